# syntax=docker/dockerfile:1
# The server alone, without what only training and foreign models need (the extra "models"): no compiler, no torch.
# Runs as an unprivileged user on a read-only root file system: /data is all that it keeps, and what it writes for the moment goes
# to /tmp, a tmpfs (docker run --read-only --tmpfs /tmp --volume xiaobao:/data …).

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/xiaobao
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY index index
COPY assistant assistant
COPY ui ui
COPY eval eval
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/xiaobao/bin/python -m pip install --progress-bar off -c constraints.txt .

FROM python:3.11.13-slim-bookworm
RUN groupadd --gid 10001 xiaobao \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin xiaobao \
 && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/xiaobao /opt/xiaobao
ENV PATH=/opt/xiaobao/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONUTF8=1 \
    HF_HUB_OFFLINE=1 \
    TRANSFORMERS_OFFLINE=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    ANONYMIZED_TELEMETRY=False \
    XIAOBAO_INDEX__PATH=/data/index \
    XIAOBAO_SERVER__RECORDS=/data/records
USER 10001:10001
# Settings are read from xiaobao.toml here, if one is there.
WORKDIR /data
VOLUME /data
EXPOSE 7860
# The first start builds the index.
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-I", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
# Listening beyond loopback asks for a log-in in front: see compose.yaml.
CMD ["sh", "-c", "xiaobao ingest && exec xiaobao serve --host 0.0.0.0 --port 7860"]
