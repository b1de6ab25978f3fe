# syntax=docker/dockerfile:1

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt .
# Wheels only and by hash: nothing is compiled, nothing comes in that was not locked.
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install --require-hashes --only-binary=:all: --no-deps -r requirements.txt

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 fundraising \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin fundraising
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STATIC_ROOT=/app/static \
    HEARTBEAT_DIR=/tmp/heartbeats \
    WEB_BIND=0.0.0.0:8000
COPY --from=build /opt/venv /opt/venv
COPY . .
# var/ is the one place that is written: the schedule of beat.
RUN python manage.py collectstatic --noinput \
 && python -m compileall -q queues fundraising \
 && install --directory --owner=10001 --group=10001 var
# From here on a missing SECRET_KEY is an error, and bytecode is not written.
ENV PRODUCTION=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "--config", "python:fundraising.gunicorn"]
