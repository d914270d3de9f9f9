# The API (`qol serve`), one image for a laptop, for Lambda and for Fargate (docs/deploy.md#the-api). From the clone:
#   docker build --platform linux/arm64 --file docker/serve.Dockerfile --tag REGISTRY/qol-api .
FROM public.ecr.aws/docker/library/python:3.11-slim-bookworm AS build
COPY . /clone
# awslambdaric asks Lambda for requests; containers do not start it.
RUN python -m venv /opt/qol \
    && /opt/qol/bin/pip install --no-cache-dir '/clone[serve]' 'awslambdaric==4.2.2'

FROM public.ecr.aws/docker/library/python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin qol
COPY --from=build /opt/qol /opt/qol
ENV PATH=/opt/qol/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
USER 10001
EXPOSE 8000
# 503 is an answer too: without its lake the API answers from what it has.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status not in (200, 503))"]
CMD ["qol", "serve", "--host", "0.0.0.0", "--port", "8000"]
