# The node in a container: docs/deployment.md.
#   docker build -t quantumharmony-node .
FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsodium-dev libsqlite3-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/source/.build \
    swift build -c release --product quantumharmony-node \
    && install -D .build/release/quantumharmony-node /out/quantumharmony-node

FROM swift:6.3-bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsodium23 libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin quantumharmony \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /out/quantumharmony-node /usr/local/bin/quantumharmony-node
COPY deploy/health-check /usr/local/bin/health-check
USER 10001:10001
VOLUME /data
# Peers, and metrics when they are served outside. JSON-RPC stays inside.
EXPOSE 30333 9615
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 CMD ["health-check"]
ENTRYPOINT ["quantumharmony-node", "--base-path", "/data"]
CMD ["--prometheus-external"]
