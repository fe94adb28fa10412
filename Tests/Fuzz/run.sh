#!/usr/bin/env bash
# Fuzzes what reads bytes from outside with libFuzzer and AddressSanitizer: run.sh [SECONDS] [requests|pictures|specs]; by default the first
# two, SECONDS each. Specs take a build of everything below them, which Tests/Sanitizers/run.sh address shares.
# What it finds is left in .build/fuzz.
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
case ${2:-both} in
specs) fuzz_specs ;;
requests) fuzz_requests ;;
pictures) fuzz_pictures ;;
both) fuzz_requests && fuzz_pictures ;;
*) echo "run.sh [SECONDS] [requests|pictures|specs]" >&2; exit 2 ;;
esac
