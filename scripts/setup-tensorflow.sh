#!/usr/bin/env bash
# Installs a working @tensorflow/tfjs-node (cpu) or tfjs-node-gpu (gpu) into an npm project, without the
# packages' own download: TensorFlow's libraries and C headers come out of PyPI's wheel, and the addon is
# built from the source in the npm package. Run again after anything that replaced node_modules.
#
#   setup-tensorflow.sh PROJECT_FOLDER cpu|gpu
#
# TF_VERSION: the wheel, 2.9.1 (default: what tfjs-node 4.22 is made for) to 2.21.0.
# Needs node, npm, gcc, g++, make, nm, and python3 with pip. The gpu kind runs on the CPU where CUDA is missing.
set -euo pipefail
die() { echo "setup-tensorflow: $*" >&2; exit 1; }

case ${2-} in
  cpu) package=@tensorflow/tfjs-node wheel=tensorflow-cpu ;;
  gpu) package=@tensorflow/tfjs-node-gpu wheel=tensorflow ;;
  *) die "usage: $0 PROJECT_FOLDER cpu|gpu" ;;
esac
version=4.22.0 tf=${TF_VERSION:-2.9.1}
for tool in node npm gcc g++ make nm python3; do
  command -v "$tool" >/dev/null || die "$tool is missing"
done
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "only for Linux on x86-64"
mkdir -p "$1" && project=$(cd "$1" && pwd)
module=$project/node_modules/$package
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tfjs-node/$wheel-$tf

check() {  # the addon loads, is linked to the TensorFlow asked for, and computes
  cd "$project" && TF_CPP_MIN_LOG_LEVEL=3 node - "$package" "$tf" <<'JS'
const [name, want] = process.argv.slice(2), tf = require(name), assert = require('assert');
assert.equal(tf.getBackend(), 'tensorflow');
assert.equal(tf.backend().binding.TF_Version, want);
const x = tf.range(1, 10).reshape([1, 3, 3, 1]), w = tf.tensor4d([1, 0, 0, -1], [2, 2, 1, 1]);
const [dx, dw] = tf.grads((x, w) => tf.conv2d(x, w, 1, 'valid').square().sum())([x, w]);
assert.deepEqual([...dx.dataSync()], [-8, -8, 0, -8, 0, 8, 0, 8, 8]);
assert.deepEqual([...dw.dataSync()], [-96, -128, -192, -224]);
console.log(`${name} ${tf.version['tfjs-node']} works on TensorFlow ${want}`);
JS
}
if [ -d "$module/lib" ] && (check) 2>/dev/null; then exit 0; fi

if [ ! -d "$cache" ]; then
  mkdir -p "$(dirname "$cache")"
  work=$(mktemp -d "$cache.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  echo "setup-tensorflow: fetching $wheel $tf" >&2
  python3 -m pip --disable-pip-version-check download --quiet --no-deps --no-cache-dir --only-binary=:all: \
    --python-version 310 --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux_2_27_x86_64 --dest "$work" "$wheel==$tf" || die "pip could not fetch $wheel $tf"
  mkdir "$work/lib"
  python3 - "$work" <<'PY'
import os, re, shutil, sys, zipfile
work, = sys.argv[1:]
path = os.path.join(work, next(f for f in os.listdir(work) if f.endswith(".whl")))
with zipfile.ZipFile(path) as wheel:
    names = wheel.namelist()
    # Until 2.11 or so the C API is in the Python extension, later in a library of its own
    main = next((n for n in names if n.endswith("/libtensorflow_cc.so.2")),
                "tensorflow/python/_pywrap_tensorflow_internal.so")
    headers = re.compile(r"tensorflow/include/(tensorflow/c/(eager/)?|(.*/)?tsl/c/|.*/platform/ctstring)[^/]*\.h$")
    for n in names:
        if n in (main, "tensorflow/libtensorflow_framework.so.2"):
            with wheel.open(n) as src, open(os.path.join(work, "lib", os.path.basename(n)), "wb") as dst:
                shutil.copyfileobj(src, dst, 1 << 20)
        elif headers.match(n):
            wheel.extract(n, work)
os.remove(path)
os.rename(os.path.join(work, "tensorflow", "include"), os.path.join(work, "include"))
os.rmdir(os.path.join(work, "tensorflow"))
PY
  # libtensorflow.so.2 only brings in the library above, and stands in for the Python symbols that it names
  # but that the C API never uses.
  ( cd "$work/lib"
    main=$(ls | grep -v framework)
    nm -D --undefined-only "$main" | awk '$2 ~ /^_?Py/ { print "char " $2 "[1024];" }' |
      gcc -x c -shared -fPIC -o libtensorflow.so.2 - -Wl,-soname,libtensorflow.so.2 \
        -Wl,--no-as-needed "-Wl,-rpath,\$ORIGIN" -L. "-l:$main"
    ln -s libtensorflow.so.2 libtensorflow.so
    ln -s libtensorflow_framework.so.2 libtensorflow_framework.so )
  chmod 755 "$work"
  mv -T "$work" "$cache" 2>/dev/null || [ -d "$cache" ]  # or another run was first
fi

if ! grep -qs "\"version\": \"$version\"" "$module/package.json"; then
  npm install --prefix "$project" --ignore-scripts --save-exact --no-fund --no-audit --loglevel=error "$package@$version" >&2 ||
    die "npm could not install $package"
fi
# Node 23 took these out of its util module
sed -i 's/(0, util_1\.isNullOrUndefined)(\([^()]*\))/(\1 == null)/; s/(0, util_1\.isArray)/Array.isArray/' \
  "$module/dist/nodejs_kernel_backend.js"
rm -rf "$module/deps" "$module/lib" "$module/build"
cp -al "$cache" "$module/deps" 2>/dev/null || { rm -rf "$module/deps"; cp -a "$cache" "$module/deps"; }

node_root=$(dirname "$(dirname "$(node -p process.execPath)")")  # the headers that came with node, if any
[ ! -f "$node_root/include/node/node_api.h" ] || export npm_config_nodedir=$node_root
log=$(mktemp)
LDFLAGS=-Wl,--no-as-needed npm run --prefix "$module" build-addon-from-source >"$log" 2>&1 ||
  { tail -n 30 "$log" >&2; die "the addon did not build; the whole log: $log"; }
rm -rf "$log" "$module/build"
check || die "the addon was built but does not work"
