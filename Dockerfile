# One image for every process of ours: `serve` by default, else `consume`, `seed`, `migrate up`.
# Another base of the same kind, such as a mirror or a digest: --build-arg PYTHON_IMAGE=…
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
COPY requirements.txt ./
# Wheels with the locked hashes and nothing else: no compiler, and no code of a package runs while it is built.
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary=:all: --no-deps --requirement requirements.txt
COPY shakerqueue/ shakerqueue/
COPY consumer/ consumer/
COPY seed/ seed/
COPY sql/schema/ sql/schema/
COPY LICENSE ./
# Compiled here, because the running container cannot write; unchecked, because the source cannot change there.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash shakerqueue consumer seed

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="ShakerQueue" \
      org.opencontainers.image.description="The backend that runs a bar's drink orders" \
      org.opencontainers.image.licenses="MIT"
# The name is for yoyo, which writes down who migrated. A new named volume takes the owner of the folder it is
# mounted over: so the user, who is not root, can write the secrets at the first start.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin shakerqueue \
    && install --directory --owner=10001 --group=10001 /secrets/app /secrets/postgres /secrets/rabbitmq /secrets/valkey
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["python", "-m", "shakerqueue.cli"]
CMD ["serve"]
