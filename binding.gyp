# For machines without CMake; scripts/build-native.mjs calls it. Reads native/sources.json, as CMakeLists.txt does.
# gyp has no flags per file, hence a static library for each instruction set.
{
  "variables": {
    # <!@(<(list) key…): an entry of sources.json
    "list": "node -p \"[].concat(process.argv.slice(1).reduce((o, k) => o[k], require('./native/sources.json'))).join(' ')\"",
  },
  "target_defaults": {
    "include_dirs": ["native"],
    # What Node compiles itself with.
    "cflags_cc/": [["exclude", "^-std=gnu"], ["exclude", "^-fno-(rtti|exceptions)"]],
    "cflags_cc": ["<!@(<(list) flags)"],
  },
  "targets": [
    {
      "target_name": "core",
      "type": "static_library",
      "sources": ["<!@(<(list) core)", "<!@(<(list) parallel pool)"],
    },
    {
      "target_name": "kernels_baseline",
      "type": "static_library",
      "sources": ["<!@(<(list) kernels)"],
      "defines": ["TFJS_ISA=baseline"],
      "cflags_cc": ["<!@(<(list) isa <(target_arch) baseline)"],
    },
    {
      "target_name": "kernels",
      "type": "none",
      "dependencies": ["kernels_baseline"],
      "conditions": [["target_arch=='x64'", {"dependencies": ["kernels_avx2", "kernels_avx512"]}]],
    },
    {
      "target_name": "tfjs_native",
      "dependencies": ["kernels", "core"],
      "sources": ["<!@(<(list) binding)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      # The last: what is thrown while a worker ends has nowhere to go.
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "conditions": [
        ["OS=='linux'", {
          # nodelete: a worker's exit unloads the addon while the pool's threads live.
          "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,-z,nodelete", "-Wl,--gc-sections", "-s"],
        }],
      ],
    },
    {
      "target_name": "native-tests",
      "type": "executable",
      "dependencies": ["kernels", "core"],
      "sources": ["<!@(<(list) tests)", "<!@(<(list) reference)"],
    },
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "kernels_avx2",
          "type": "static_library",
          "sources": ["<!@(<(list) kernels)"],
          "defines": ["TFJS_ISA=avx2"],
          "cflags_cc": ["<!@(<(list) isa x64 avx2)"],
        },
        {
          "target_name": "kernels_avx512",
          "type": "static_library",
          "sources": ["<!@(<(list) kernels)"],
          "defines": ["TFJS_ISA=avx512"],
          "cflags_cc": ["<!@(<(list) isa x64 avx512)"],
        },
      ],
    }],
  ],
}
