# syntax=docker/dockerfile:1
# The operator, and the detector for both of Lambda's architectures. Builds for amd64 and arm64 on either, without emulation:
#   docker buildx build --platform linux/amd64,linux/arm64 .

FROM --platform=$BUILDPLATFORM rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS toolchain
ARG BUILDARCH
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# Compiler and C library of the other architecture: the crypto library is C. Their versions are those of the release that the image is of.
# hadolint ignore=DL3008
RUN case "$BUILDARCH" in amd64) other=arm64 ;; *) other=amd64 ;; esac; \
    apt-get update; \
    apt-get install --yes --no-install-recommends "crossbuild-essential-$other"; \
    rm -rf /var/lib/apt/lists/*; \
    rustup target add x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; \
    cargo install --locked cargo-auditable@0.7.7
ENV CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_x86_64_unknown_linux_gnu=x86_64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_PROFILE_RELEASE_STRIP=symbols
WORKDIR /src
COPY . .

# For Lambda, whichever architecture the operator itself runs on.
FROM toolchain AS detector
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,id=target-detector,target=/src/target,sharing=locked \
    mkdir -p /out; \
    cargo build --locked --release --package devenv --bin devenv; \
    for arch in x86_64:x86_64 aarch64:arm64; do \
        target=${arch%:*}-unknown-linux-gnu; \
        cargo build --locked --profile detector --package detector --bin bootstrap --no-default-features --features lambda --target "$target"; \
        tools/image/check-binary.sh detector "target/$target/detector/bootstrap"; \
        target/release/devenv package-detector --binary "target/$target/detector/bootstrap" --out "/out/detector-${arch#*:}.zip"; \
    done; \
    ln -s detector-arm64.zip /out/detector.zip

FROM toolchain AS operator
ARG TARGETARCH
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,id=target-operator,target=/src/target,sharing=locked \
    mkdir -p /out; \
    case "$TARGETARCH" in amd64) target=x86_64 ;; *) target=aarch64 ;; esac; \
    target=$target-unknown-linux-gnu; \
    # Lists the crates in the program itself, where SBOM tools and scanners find them.
    cargo auditable build --locked --release --package vpc-flow-operator --bin vpc-flow-operator --target "$target"; \
    tools/image/check-binary.sh operator "target/$target/release/vpc-flow-operator"; \
    cp "target/$target/release/vpc-flow-operator" /out/

# glibc 2.36, libgcc and CA certificates; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
LABEL org.opencontainers.image.title="vpc-flow-operator" \
      org.opencontainers.image.description="Creates, repairs and deletes AWS VPC flow-log monitoring, declared as Kubernetes objects." \
      org.opencontainers.image.source="https://github.com/vpcflow-dev/vpc-flow-operator" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=detector /out/ /usr/local/bin/
COPY --from=operator /out/ /usr/local/bin/
COPY LICENSE /licenses/
# With fixed thresholds, the C library returns the copies of the detector's package to the system after each upload. By itself it raises its
# threshold at the first one and keeps them: 160 MiB with 100 monitors instead of 60.
ENV MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/vpc-flow-operator"]
CMD ["run"]
