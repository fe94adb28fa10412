#!/usr/bin/env bash
# Fuzzes the parsers of requests and forms with libFuzzer and AddressSanitizer: run.sh [SECONDS]. The sources are those of Sources/HTTP,
# compiled as one module. What it finds is left in .build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
out=.build/fuzz
mkdir -p "$out/corpus"
flags=(-O -swift-version 6 -package-name temper -enable-testing)
types=.build/checkouts/swift-http-types/Sources/HTTPTypes
[[ -f $out/HTTPTypes.swiftmodule ]] || (cd "$out" && swiftc "${flags[@]}" -parse-as-library -wmo -module-name HTTPTypes -emit-module -emit-library -static \
  -o libHTTPTypes.a "../../$types"/*.swift)
sources=(RequestParser RequestHead RequestTarget ASCII HostField PercentEncoding Query HTTPError ChunkExtensions HTTPVocabulary ServerConfiguration
  TLSFiles RequestID StatusLine NetworkRange MultipartParser FieldParameters)
files=("${sources[@]/#/Sources/HTTP/}"); files=("${files[@]/%/.swift}")
swiftc "${flags[@]}" -parse-as-library -wmo -sanitize=fuzzer,address -module-name Fuzz -I "$out" -L "$out" -lHTTPTypes -o "$out/requests" \
  "${files[@]}" Tests/Fuzz/Requests.swift 2>&1 || exit 1
exec "$out/requests" -max_total_time="$seconds" -max_len=8192 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$out/" \
  -dict=Tests/Fuzz/http.dict "$out/corpus" Tests/Fuzz/corpus
