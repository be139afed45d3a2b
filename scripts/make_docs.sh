#!/bin/sh
# Builds the documentation into build/site, every warning an error, in an environment of its own: .venv-docs, which has
# the package, Sphinx and what runs the notebooks.
#   make_docs.sh              environment and site
#   make_docs.sh environment  the environment alone
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
environment=.venv-docs
python=$environment/bin/python

sh scripts/setup.sh venv "$environment" newest core
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "docs: Sphinx's versions need CPython 3.11 or newer, and none was found: install one (Debian 12: python3)" >&2
    exit 1
}
stamp=$(cat "$environment/.fpgaq-setup" constraints.txt docs/site/requirements.txt | cksum)
if [ "$(cat "$environment/.fpgaq-docs" 2>/dev/null)" != "$stamp" ]; then
    echo "docs: installing docs/site/requirements.txt into $environment: with the package 444 MB on the disk" >&2
    "$python" -m pip install -q --disable-pip-version-check -c constraints.txt -r docs/site/requirements.txt >&2
    printf '%s\n' "$stamp" >"$environment/.fpgaq-docs"
fi
[ "${1:-}" != environment ] || exit 0

# Nitpicky: a reference to nothing is a warning, and every warning an error. -E: nothing of an earlier build decides.
"$python" -m sphinx --fail-on-warning --keep-going --nitpicky -E -q -b html -c docs/site . build/site
echo "docs: build/site/index.html"
