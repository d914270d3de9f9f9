# The function that loads a database after each run (docs/deploy.md#a-database). From the clone:
#   docker build --platform linux/arm64 --file docker/loader.Dockerfile --tag REGISTRY/qol-loader .
FROM public.ecr.aws/lambda/python:3.11
# Authorities of RDS, so that the function knows the server it talks to.
ADD --chmod=444 https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem /opt/rds.pem
COPY . /clone
RUN pip install --no-cache-dir '/clone[load]' && rm -r /clone
CMD ["qol.sinks.loader_function.handler"]
