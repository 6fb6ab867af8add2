# The AWS emulator, for `make kind`. Its context is emulator/.
FROM python:3.12-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254
WORKDIR /emulator
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt
COPY aws.py .
COPY overlay overlay
ENV PYTHONDONTWRITEBYTECODE=1 BIND_HOST=0.0.0.0 GATEWAY_PORT=4566 IOT_MTLS_ENABLED=0 SFTP_ENABLED=0
USER 65532:65532
EXPOSE 4566
ENTRYPOINT ["python", "-m", "overlay"]
