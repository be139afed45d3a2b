#!/bin/sh
# Writes the files of real exporters in tests/model/exported anew, in environments of their own. No test and no CI runs
# this: the small files that it writes are in the repository.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
folder=$here/tests/model/exported
build=$here/build/exporters

cat >&2 <<'TEXT'
exporters: this installs, for CPython 3.11 or newer, from the package index of your pip:
exporters:   torch 2.14.1 with torchvision: 5.9 GB on disk (its wheel asks for CUDA libraries)
exporters:   tensorflow-cpu 2.21.0 with tf2onnx: 1.6 GB on disk
exporters: interrupt it now, or remove build/exporters afterwards
TEXT
sleep "${EXPORTERS_WAIT:-5}"

python=$(PYTHON="${PYTHON:-}" sh "$here/scripts/setup.sh" find newest)
environment() {
    stamp=$(cksum "$folder/requirements-$1.txt")
    if [ "$(cat "$build/$1/.stamp" 2>/dev/null)" != "$stamp" ]; then
        "$python" -m venv --clear "$build/$1"
        "$build/$1/bin/python" -m pip install -q --disable-pip-version-check -r "$folder/requirements-$1.txt"
        printf '%s\n' "$stamp" >"$build/$1/.stamp"
    fi
}

cd "$folder"
environment torch
for script in torch_models torchvision_blocks sklearn_models; do
    "$build/torch/bin/python" -W ignore "$script.py"
done
environment tensorflow
"$build/tensorflow/bin/python" -W ignore keras_models.py

# nnabla is in the project's own environment on CPython 3.10; its converter wants an old TensorFlow, which it does not use.
if "$here/.venv/bin/python" -c 'import nnabla' 2>/dev/null; then
    "$here/.venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --upgrade \
        --target "$build/nnabla" nnabla_converter==1.39.0
    PYTHONPATH=$build/nnabla "$here/.venv/bin/python" -W ignore nnabla_models.py
else
    echo "exporters: nnabla_models.py was left out: it needs nnabla, hence CPython 3.10 (make setup)" >&2
fi
echo "exporters: $(find files -type f | wc -l) files, $(cat files/* | wc -c) bytes in tests/model/exported/files" >&2
