#!/usr/bin/env bash
# Fuzzes what reads bytes from outside with libFuzzer and AddressSanitizer: run.sh [SECONDS] [requests|pictures|readers [READER …]]; by default all,
# SECONDS each. With 0 seconds it builds alone. What it finds is left in .build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
out=.build/fuzz
options=(-max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$out/")

# The parsers of requests and forms: the sources are those of Sources/HTTP, compiled as one module.
fuzz_requests() {
  local flags=(-O -swift-version 6 -package-name temper -enable-testing)
  local types=.build/checkouts/swift-http-types/Sources/HTTPTypes
  [[ -f $out/HTTPTypes.swiftmodule ]] || (cd "$out" && swiftc "${flags[@]}" -parse-as-library -wmo -module-name HTTPTypes -emit-module -emit-library -static \
    -o libHTTPTypes.a "../../$types"/*.swift)
  local sources=(RequestParser RequestHead RequestTarget ASCII HostField PercentEncoding Query HTTPError ChunkExtensions HTTPVocabulary ServerConfiguration
    TLSFiles RequestID StatusLine NetworkRange MultipartParser FieldParameters)
  local files=("${sources[@]/#/Sources/HTTP/}"); files=("${files[@]/%/.swift}")
  swiftc "${flags[@]}" -parse-as-library -wmo -sanitize=fuzzer,address -module-name Fuzz -I "$out" -L "$out" -lHTTPTypes -o "$out/requests" \
    "${files[@]}" Tests/Fuzz/Requests.swift 2>&1
  mkdir -p "$out/corpus"
  "$out/requests" "${options[@]}" -max_len=8192 -dict=Tests/Fuzz/http.dict "$out/corpus" Tests/Fuzz/corpus
}

# The decoders of pictures behind our own C; it begins with the fixtures of their tests.
fuzz_pictures() {
  clang -O1 -g -fsanitize=fuzzer,address -ISources/CPictures/include -o "$out/pictures" Tests/Fuzz/pictures.c Sources/CPictures/*.c -ljpeg -lpng16 -lwebp
  mkdir -p "$out/pictures-corpus" "$out/pictures-seeds"
  cp Tests/DatasetsTests/Fixtures/pictures/*.{jpg,png,webp} "$out/pictures-seeds"
  "$out/pictures" "${options[@]}" -max_len=65536 "$out/pictures-corpus" "$out/pictures-seeds"
}

# The readers of networks and data sets. Their modules are compiled with the sanitizers; what they stand on is as the build for release left it.
fuzz_readers() {
  local built=.build/release package
  package=$(basename "$PWD" | tr '[:upper:]' '[:lower:]')
  local flags=(-O -swift-version 6 -package-name "$package" -parse-as-library -wmo -enable-testing -sanitize=fuzzer,address -I "$out" -I "$built/Modules")
  for module in CArchive CZlib COpenSSL CMalloc; do flags+=(-Xcc "-fmodule-map-file=Sources/$module/module.modulemap"); done
  for module in COneDNN CKernels CPictures; do flags+=(-Xcc "-fmodule-map-file=$built/$module.build/module.modulemap"); done
  local objects=() module
  for module in Datasets Models; do
    find "Sources/$module" -name '*.swift' -print0 | xargs -0 swiftc "${flags[@]}" -module-name "$module" -emit-module -emit-module-path "$out/$module.swiftmodule" \
      -c -o "$out/$module.o"
    objects+=("$out/$module.o")
  done
  for module in JSON Files TensorEngine ONNXSchema SwiftProtobuf COneDNN CKernels CPictures CMalloc; do
    [[ ! -d $built/$module.build ]] || mapfile -t -O "${#objects[@]}" objects < <(find -L "$built/$module.build" -name '*.o')
  done
  swiftc "${flags[@]}" -module-name Fuzz -o "$out/readers" Tests/Fuzz/Readers.swift "${objects[@]}" \
    -ldnnl -ljpeg -lpng16 -lwebp -lz -lcrypto -larchive -lstdc++
  python3 Tests/Fuzz/seeds.py "$out/seeds"
  # Swift's globals, made when they are first read, look like leaks.
  local readers=("$@") reader
  [[ $# -gt 0 ]] || readers=(onnx safetensors npz npy archive exif csv cifar idx)
  for reader in "${readers[@]}"; do
    mkdir -p "$out/readers-corpus/$reader"
    [[ $seconds == 0 ]] || ASAN_OPTIONS=detect_leaks=0 TEMPER_FUZZ=$reader "$out/readers" "${options[@]}" -max_len=65536 "$out/readers-corpus/$reader" "$out/seeds/$reader"
  done
}

mkdir -p "$out"
case ${2:-all} in
requests) fuzz_requests ;;
pictures) fuzz_pictures ;;
readers) fuzz_readers "${@:3}" ;;
all) fuzz_requests && fuzz_pictures && fuzz_readers ;;
*) echo "run.sh [SECONDS] [requests|pictures|readers [READER …]]" >&2; exit 2 ;;
esac
