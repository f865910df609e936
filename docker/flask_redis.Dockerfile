# The example of config/examples/flask_redis as a service, with the Python package built from source. It also
# carries shmconf itself, which it needs only where that is its entry point.
#
#   docker build --file docker/Dockerfile --tag shmconf .
#   docker build --file docker/flask_redis.Dockerfile --tag flask-redis .

ARG DEBIAN=debian:12-slim
ARG SHMCONF=shmconf

FROM ${SHMCONF} AS shmconf

FROM ${DEBIAN} AS package
RUN apt-get update && apt-get install --yes --no-install-recommends \
      g++ python3-dev python3-pip python3-setuptools python3-wheel
WORKDIR /src
COPY include include
COPY src src
RUN pip install --no-build-isolation --no-deps --target /package ./src/python

FROM ${DEBIAN}
RUN apt-get update && apt-get install --yes --no-install-recommends python3-flask python3-redis \
 && rm -rf /var/lib/apt/lists/*
COPY --from=package /package /usr/local/lib/python3/dist-packages
COPY --from=shmconf /opt/shmconf /opt/shmconf
COPY config/examples/flask_redis/app.py /srv/app.py
RUN install --directory --owner=10002 --group=10002 --mode=0700 /var/lib/shmconf
WORKDIR /srv
ENV PYTHONPATH=/usr/local/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
USER 10002:10002
EXPOSE 5000
CMD ["python3", "-m", "flask", "run", "--host", "0.0.0.0", "--port", "5000"]
