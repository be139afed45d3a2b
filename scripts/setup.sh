#!/bin/sh
# Everything that `make demo` and `make test` need on a fresh machine. Done once, and again when a pin changes.
#
#   setup.sh find [newest]           print the Python that would be used
#   setup.sh tools PYTHON            install what is missing of iverilog, make, g++ and Python's own parts
#   setup.sh venv DIRECTORY [newest] all of it: Python, tools, a virtual environment with the pinned packages
#
# "newest" asks for the newest Python in place of 3.10, the only one that nnabla runs on.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
tab=$(printf '\t')

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 6; }

# A candidate counts only if it runs: a pyenv shim for a version that is not selected does not.
usable() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null) || return 1
    case $version in 3.10 | 3.11 | 3.12 | 3.13) ;; *) return 1 ;; esac
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
        say "PYTHON=$PYTHON does not run or is not 3.10 to 3.13; looking for another"
    fi
    order="3.10 3.11 3.12 3.13"
    [ "${1:-}" != newest ] || order="3.13 3.12 3.11 3.10"
    for wanted in $order; do
        found=$(candidates "$wanted" | while IFS= read -r candidate; do
            if usable "$candidate" "$wanted"; then printf '%s\n' "$candidate"; break; fi
        done)
        [ -z "$found" ] || { printf '%s\n' "$found"; return; }
    done
    for candidate in python3 python; do
        if usable "$candidate"; then command -v "$candidate"; return; fi
    done
    fail "no Python 3.10 to 3.13 found: install one (Debian, Ubuntu: apt-get install python3 python3-venv;" \
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

make_environment() {
    directory=$1
    python=$(find_python "${2:-}")
    install_tools "$python"
    [ "$directory" != "${directory#/}" ] || directory=$here/$directory
    stamp=$( (cd "$here" && cksum constraints.txt pyproject.toml scripts/setup.sh; echo "$here $python") | cksum)
    if [ -x "$directory/bin/python" ] && [ "$(cat "$directory/.fpgaq-setup" 2>/dev/null)" = "$stamp" ]; then return 0; fi
    say "making ${directory#"$here"/} with $("$python" --version 2>&1) ($python)"
    rm -f "$directory/.fpgaq-setup"
    wanted=$("$python" -c 'import sys; print(sys.version_info[:3])')
    if ! [ "$("$directory/bin/python" -c 'import sys; print(sys.version_info[:3])' 2>/dev/null)" = "$wanted" ]; then
        "$python" -m venv --clear "$directory" || fail "$python cannot make a virtual environment in $directory"
    fi
    # The constraints of the environment hold for the build of the package itself too.
    PIP_DISABLE_PIP_VERSION_CHECK=1
    export PIP_DISABLE_PIP_VERSION_CHECK
    "$directory/bin/python" -m pip install -q -c "$here/constraints.txt" hatchling editables &&
        "$directory/bin/python" -m pip install -q -c "$here/constraints.txt" --no-build-isolation -e "$here[dev]" ||
        fail "pip could not install the packages of constraints.txt (see above)"
    printf '%s\n' "$stamp" >"$directory/.fpgaq-setup"
}

case ${1:-} in
find) find_python "${2:-}" ;;
tools) install_tools "${2:?setup.sh tools PYTHON}" ;;
venv) make_environment "${2:?setup.sh venv DIRECTORY}" "${3:-}" ;;
*) say "usage: setup.sh find [newest] | tools PYTHON | venv DIRECTORY [newest]"; exit 2 ;;
esac
