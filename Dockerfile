# One image for every command: `docker build -t plinth .`, then `docker run -p 5000:5000 -e DATABASE_URL=… plinth`.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# `docker build --build-arg GIT_REVISION=$(git rev-parse --short=12 HEAD)`: the repository itself is not in the context.
ARG GIT_REVISION=unknown
RUN cargo build --release --locked -p plinth

FROM debian:bookworm-slim
# The authorities that sign the certificates of PostgreSQL, Redis and Sentry.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /data plinth
COPY --from=build /src/target/release/plinth /usr/local/bin/plinth
USER plinth
# The embedded database, if no other is configured, is /data/var/plinth.db.
WORKDIR /data
# Inside a container every address is the container's own; what the world sees is decided by what is published.
ENV APP_ENV=prod HOST=0.0.0.0 PORT=5000 APP__MONITOR__HOST=0.0.0.0
EXPOSE 5000
ENTRYPOINT ["plinth"]
CMD ["api"]
