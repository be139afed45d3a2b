#!/bin/sh
# Everything that `make demo` and `make test` need on a fresh machine. Done once, and again when a pin changes.
#
#   setup.sh find [newest]                  print the Python that would be used
#   setup.sh tools PYTHON                   install what is missing of iverilog, make, g++ and Python's own parts
#   setup.sh venv DIRECTORY [newest] [core] all of it: Python, tools, a virtual environment with the pinned packages
#
# "newest" asks for the newest Python in place of 3.10, the only one that nnabla runs on. "core" installs what the main
# job needs (quantize, generate, simulate); without it come all extras and what the tests need.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
tab=$(printf '\t')

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 6; }

# A candidate counts only if it runs: a pyenv shim for a version that is not selected does not.
usable() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null) || return 1
    case $version in 3.10 | 3.11 | 3.12 | 3.13 | 3.14) ;; *) return 1 ;; esac
    [ -z "${2:-}" ] || [ "$version" = "$2" ]
}

# The candidates for one version, best first: on PATH, then in pyenv's folder with the newest patch first.
candidates() {
    command -v "python$1" 2>/dev/null || true
    for root in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv"; do
        [ -d "$root/versions" ] || continue
        for folder in "$root/versions/$1".*; do
            [ -x "$folder/bin/python" ] && printf '%s\t%s\n' "${folder##*.}" "$folder/bin/python"
        done | sort -t "$tab" -k 1,1nr | cut -f 2
    done
}

find_python() {
    if [ -n "${PYTHON:-}" ] && [ "${1:-}" != newest ]; then
        if usable "$PYTHON"; then command -v "$PYTHON"; return; fi
        fail "PYTHON=$PYTHON does not run or is not 3.10 to 3.14: name another, or none to let one be found"
    fi
    order="3.10 3.11 3.12 3.13 3.14"
    # The suite has not been run on 3.14 yet, for which all packages have wheels.
    [ "${1:-}" != newest ] || order="3.13 3.12 3.11 3.14 3.10"
    for wanted in $order; do
        found=$(candidates "$wanted" | while IFS= read -r candidate; do
            if usable "$candidate" "$wanted"; then printf '%s\n' "$candidate"; break; fi
        done)
        [ -z "$found" ] || { printf '%s\n' "$found"; return; }
    done
    for candidate in python3 python; do
        if usable "$candidate"; then command -v "$candidate"; return; fi
    done
    fail "no Python 3.10 to 3.14 found: install one (Debian, Ubuntu: apt-get install python3 python3-venv;" \
        "others: pyenv install 3.10) or name it, as in PYTHON=/path/to/python3.10 make demo"
}

# Debian's packages for what is missing, one a line.
missing_packages() {
    command -v iverilog >/dev/null 2>&1 && command -v vvp >/dev/null 2>&1 || echo iverilog
    command -v make >/dev/null 2>&1 || echo make
    command -v g++ >/dev/null 2>&1 || echo g++
    command -v perl >/dev/null 2>&1 || echo perl
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 || "$1" -c 'import sys
name = "python%d.%d-venv" % sys.version_info[:2]
print(name if sys.executable.startswith("/usr/bin/") else "python3-venv")'
    # cocotb loads Python into the simulator as a shared library.
    "$1" -c 'import ctypes, os, sys, sysconfig
name = "libpython%d.%d" % sys.version_info[:2]
folder = sysconfig.get_config_var("LIBDIR") or ""
for library in (os.path.join(folder, name + ".so.1.0"), name + ".so.1.0", os.path.join(folder, name + ".dylib")):
    try:
        ctypes.CDLL(library)
        break
    except OSError:
        pass
else:
    print(name)'
}

install_tools() {
    packages=$(missing_packages "$1" | tr '\n' ' ')
    packages=${packages% }
    [ -n "$packages" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        fail "missing: $packages (Debian's names). Install them with this system's package manager" \
            "(Fedora: dnf install iverilog make gcc-c++ perl; macOS: brew install icarus-verilog make), then run make again"
    fi
    case " $packages" in *" libpython"*)
        case $1 in /usr/bin/*) ;; *)
            fail "$1 has no shared library, which the simulation needs: build it with --enable-shared" \
                "(pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install), or choose another by PYTHON=..." ;;
        esac ;;
    esac
    prefix=
    if [ "$(id -u)" != 0 ]; then
        prefix="sudo "
        command -v sudo >/dev/null 2>&1 || fail "missing: $packages. As root, run: apt-get install -y $packages"
    fi
    say "missing: $packages. Running:"
    for command in "apt-get update -q" "apt-get install -q -y --no-install-recommends $packages"; do
        say "  $prefix$command"
        # Split on purpose: the words are the fixed ones above and Debian's package names.
        # shellcheck disable=SC2086
        $prefix env DEBIAN_FRONTEND=noninteractive $command >&2 || fail "that command failed; run it by hand, then make again"
    done
}

# Measured with CPython 3.10, where everything is largest: what is fetched, what it takes on the disk.
sizes() {
    if [ "$1" = core ]; then echo "46 MB to fetch, 227 MB on the disk"; else echo "400 MB to fetch, 1.6 GB on the disk"; fi
}

# install DIRECTORY ARGUMENT...: the constraints hold for the tools that build the package, too.
install() {
    environment=$1
    shift
    show=-q
    # On a terminal pip draws its own progress.
    [ ! -t 2 ] || show=--no-input
    "$environment/bin/python" -m pip install "$show" --retries 2 --timeout 20 --log "$environment/setup.log" \
        -c "$here/constraints.txt" "$@" >&2
}

explain_failure() {
    if grep -q -e 'NewConnectionError' -e 'Connection refused' -e 'ConnectTimeout' -e 'name resolution' -e 'ReadTimeout' \
        -e 'ProxyError' -e 'from versions: none' "$1"; then
        fail "the package index cannot be reached (see $1). Are you online? Behind a proxy set HTTPS_PROXY; another index" \
            "is named by PIP_INDEX_URL, a folder of wheels by PIP_FIND_LINKS with PIP_NO_INDEX=1. Then run make again:" \
            "it goes on from here"
    fi
    fail "pip could not install the packages of constraints.txt (see above and $1)"
}

make_environment() {
    directory=$1
    which= what=dev
    for word in "${2:-}" "${3:-}"; do
        case $word in newest) which=newest ;; core) what=core ;; esac
    done
    python=$(find_python "$which")
    install_tools "$python"
    [ "$directory" != "${directory#/}" ] || directory=$here/$directory
    stamp=$( (cd "$here" && cksum constraints.txt pyproject.toml scripts/setup.sh; echo "$here $python") | cksum)
    done=$(cat "$directory/.fpgaq-setup" 2>/dev/null || true)
    # What has all extras will do for the core, too.
    if [ -x "$directory/bin/python" ] && { [ "$done" = "$stamp $what" ] || [ "$done" = "$stamp dev" ]; }; then return 0; fi
    say "making ${directory#"$here"/} with $("$python" --version 2>&1) ($python): $(sizes "$what"), the first time"
    started=$(date +%s)
    rm -f "$directory/.fpgaq-setup" "$directory/setup.log"
    wanted=$("$python" -c 'import sys; print(sys.version_info[:3])')
    if ! [ "$("$directory/bin/python" -c 'import sys; print(sys.version_info[:3])' 2>/dev/null)" = "$wanted" ]; then
        "$python" -m venv --clear "$directory" || fail "$python cannot make a virtual environment in $directory"
    fi
    PIP_DISABLE_PIP_VERSION_CHECK=1
    export PIP_DISABLE_PIP_VERSION_CHECK
    say "1 of 2: the tools that build the package"
    install "$directory" hatchling editables || explain_failure "$directory/setup.log"
    if [ "$what" = core ]; then
        say "2 of 2: what the main job needs; make setup adds the extras"
        package=$here
    else
        say "2 of 2: everything that the targets of make need"
        package="$here[dev]"
    fi
    install "$directory" --no-build-isolation -e "$package" || explain_failure "$directory/setup.log"
    printf '%s\n' "$stamp $what" >"$directory/.fpgaq-setup"
    say "done in $(($(date +%s) - started)) s"
}

case ${1:-} in
find) find_python "${2:-}" ;;
tools) install_tools "${2:?setup.sh tools PYTHON}" ;;
venv) make_environment "${2:?setup.sh venv DIRECTORY}" "${3:-}" "${4:-}" ;;
*) say "usage: setup.sh find [newest] | tools PYTHON | venv DIRECTORY [newest] [core]"; exit 2 ;;
esac
