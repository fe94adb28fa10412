#!/usr/bin/env bash
# Fuzzes what reads bytes from outside with libFuzzer and AddressSanitizer: run.sh [SECONDS] [requests|pictures|readers [READER …]|specs]; by
# default all but specs, SECONDS each. With 0 seconds the readers are built alone. Specs take a build of everything below them, which
# Tests/Sanitizers/run.sh address shares. What it finds is left in .build/fuzz.
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

# JSON and the specs of jobs and sweeps; it begins with the recipes.
fuzz_specs() {
  local scratch=.build/address
  swift build -c release -j "${JOBS:-2}" --scratch-path "$scratch" --sanitize=address -Xswiftc -sanitize-coverage=edge --target Jobs
  local built=$scratch/release modules=(JSON Files CKernels COneDNN TensorEngine SwiftProtobuf ONNXSchema Models CPictures Datasets Attacks Robustness
    Training Logging GRDB Jobs)
  local objects=() folders=()
  for module in "${modules[@]}"; do
    while IFS= read -r object; do objects+=("$object"); done < <(find "$built/$module.build" -name '*.o')
  done
  for folder in Sources/C* "$scratch"/checkouts/GRDB.swift/Sources/GRDBSQLite; do
    if [[ -d $folder/include ]]; then folder=$folder/include; fi
    folders+=(-Xcc -I"$folder")
  done
  for folder in "$built"/C*.build; do
    if [[ -f $folder/module.modulemap ]]; then folders+=(-Xcc -fmodule-map-file="$folder/module.modulemap"); fi
  done
  printf '%s\n' "${objects[@]}" > "$out/objects"
  swiftc -O -swift-version 6 -package-name temper -parse-as-library -sanitize=fuzzer,address -module-name Fuzz -I "$built/Modules" "${folders[@]}" \
    -o "$out/specs" Tests/Fuzz/Specs.swift @"$out/objects" \
    -ldnnl -lssl -lcrypto -larchive -lz -lsqlite3 -ljpeg -lpng16 -lwebp -lstdc++ -lm
  mkdir -p "$out/specs-corpus"
  "$out/specs" "${options[@]}" -max_len=16384 -dict=Tests/Fuzz/json.dict "$out/specs-corpus" config/recipes
}

mkdir -p "$out"
case ${2:-all} in
requests) fuzz_requests ;;
pictures) fuzz_pictures ;;
readers) fuzz_readers "${@:3}" ;;
specs) fuzz_specs ;;
all) fuzz_requests && fuzz_pictures && fuzz_readers ;;
*) echo "run.sh [SECONDS] [requests|pictures|readers [READER …]|specs]" >&2; exit 2 ;;
esac
