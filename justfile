# What people and CI run.

# List the recipes.
default:
    @just --list

# Build what ringfence.toml names, attack it, say what held.
verify *ARGS:
    cargo run --release -- verify {{ARGS}}

# The whole suite on the embedded upstream.
test *ARGS:
    RINGFENCE_BACKEND=embedded cargo test --workspace {{ARGS}}

# What starts an upstream, against LocalStack in a container.
test-localstack *ARGS: localstack-image
    RINGFENCE_BACKEND=localstack cargo test --workspace --test proofs --test localstack {{ARGS}}
    RINGFENCE_BACKEND=localstack cargo test --workspace --test commands -- integrity:: published::

# The report in a headless Chromium; `--pictures DIRECTORY` keeps screenshots.
browser-test *ARGS:
    scripts/browser-test.sh {{ARGS}}

# Make sure that LocalStack's image is there: pulled, else built from packages.
localstack-image:
    scripts/localstack-image.sh

# Formatting, lints, and where cargo-deny is installed the dependencies with their advisories.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    if command -v cargo-deny >/dev/null; then cargo deny check; fi

# A fuzz target of a crate for some seconds (nightly Rust, cargo-fuzz): `just fuzz wire request 600`.
fuzz CRATE TARGET SECONDS="60":
    cd harness/{{CRATE}} && cargo +nightly fuzz run {{TARGET}} -- -max_total_time={{SECONDS}} -timeout=20

# The prover against brute force, every question: 1.3 million.
prove-exhaustive:
    RINGFENCE_EVERY=1 cargo test --release -p ringfence-prove --test exhaustive

# The prover against the engine: so many random pairs of policies (a thousand take seconds).
prove-random PAIRS="20000" SEED="1":
    RINGFENCE_PAIRS={{PAIRS}} RINGFENCE_SEED={{SEED}} cargo test --release -p ringfence-prove --test random -- --nocapture

# Guard rails of so many random estates against the engine (a thousand take some minutes).
rails-random ESTATES="2000" SEED="1":
    RINGFENCE_ESTATES={{ESTATES}} RINGFENCE_SEED={{SEED}} cargo test --release -p ringfence --lib -- --nocapture proof::random

# What is computed of Terraform's files against Terraform: so many random configurations (each half a second).
plans-random CONFIGURATIONS="500" SEED="1":
    RINGFENCE_CONFIGURATIONS={{CONFIGURATIONS}} RINGFENCE_SEED={{SEED}} cargo test -p ringfence --lib -- --nocapture access::complete::against

# AWS's models anew, from their pinned sources.
models:
    cargo xtask models update

# What CI runs.
ci:
    .ci/run
