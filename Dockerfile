# An AWS endpoint that enforces IAM: the guard with the embedded emulator, one
# port, healthy when it answers. docs/guides/endpoint.md shows its use.
#
#   docker build --tag ringfence .
#   docker run --rm --publish 127.0.0.1:4566:4566 ringfence
#
# scripts/image.sh builds the same where no image registry answers: it makes the
# stage `root` itself, and takes what follows the last FROM from here.
ARG ROOT=root

FROM rust:1.92-trixie AS build
WORKDIR /source
COPY . .
RUN cargo build --locked --profile dist --bin ringfence

FROM debian:trixie-slim AS root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv tini \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/target/dist/ringfence /usr/local/bin/ringfence
# `doctor` of an empty directory installs the pinned Python tools, and no more.
RUN mkdir -p /opt/ringfence/none \
    && RINGFENCE_CACHE=/opt/ringfence/cache ringfence doctor --offline /opt/ringfence/none \
    && rm -rf "$HOME/.cache" /opt/ringfence/none /opt/ringfence/cache/uv-*

FROM ${ROOT}
ENV RINGFENCE_CACHE=/opt/ringfence/cache PYTHONDONTWRITEBYTECODE=1
# Nobody's: what runs here needs no rights beside its own temporary files.
USER 65534:65534
ENV HOME=/tmp
WORKDIR /tmp
EXPOSE 4566
# Any answer will do: an unsigned request is refused, by the guard.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["python3", "-c", "import http.client; c = http.client.HTTPConnection('127.0.0.1', 4566, timeout=4); c.request('GET', '/'); c.getresponse()"]
ENTRYPOINT ["tini", "--", "ringfence", "up", "--backend", "embedded", "--port", "4566", "--all-interfaces"]
