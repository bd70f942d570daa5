#!/bin/sh
# Fuzzes the readers of data files and journals: fuzz.sh SECONDS [TARGET...], each target for so long.
#
# libFuzzer needs only the coverage counters that LLVM adds, which the stable compiler can be asked for. New inputs go to
# fuzz/found; an input that breaks a claim is kept as fuzz/crashers/TARGET-* by hand, where `cargo test` plays it.
set -eu
seconds=$1
shift
cd "$(dirname "$0")/../fuzz"
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
# With a target named, build scripts are built without those flags.
cargo build --release --target "$host"
for target in ${*:-data_file journal ring frame member}; do
    mkdir -p "found/$target" "corpus/$target"
    "${CARGO_TARGET_DIR:-target}/$host/release/$target" "found/$target" "corpus/$target" \
        -max_total_time="$seconds" -max_len=20000 -timeout=10 -rss_limit_mb=600 -print_final_stats=1 \
        -artifact_prefix="found/$target-"
done
