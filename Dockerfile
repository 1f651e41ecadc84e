# DevOps Agent with kubectl, docker with compose, helm, git, curl and jq, for a user without root.
#
#   docker build -t ollama-devops .                                   # the model is Ollama's, on the host
#   docker build -t ollama-devops:embedded --build-arg EMBEDDED=1 .   # the model is in the image
#
# Every host that something comes from can be replaced by a mirror: see the arguments below, and
# PIP_INDEX_URL and HF_ENDPOINT. Nothing here needs BuildKit.

# What Debian's release has is taken without a version (DL3008): it holds one version of each package, for years.
ARG BASE=debian:bookworm-slim
# The docker command with its plugins, as Docker publishes it; an image's content is verified by its digest.
ARG DOCKER_CLI=docker:28-cli

FROM ${DOCKER_CLI} AS docker-cli

# --- kubectl and helm, verified against the checksums that stand beside them ----------------------------------

FROM ${BASE} AS tools
ARG DEBIAN_FRONTEND=noninteractive
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/*
SHELL ["/bin/bash", "-eu", "-o", "pipefail", "-c"]
WORKDIR /tools
ARG KUBECTL_URL=https://dl.k8s.io/release
ARG KUBECTL_VERSION=v1.34.2
RUN curl -fsSL --retry 3 -o kubectl \
        "$KUBECTL_URL/$KUBECTL_VERSION/bin/linux/$(dpkg --print-architecture)/kubectl" \
    && curl -fsSL --retry 3 -o kubectl.sha256 \
        "$KUBECTL_URL/$KUBECTL_VERSION/bin/linux/$(dpkg --print-architecture)/kubectl.sha256" \
    && echo "$(cut -d ' ' -f 1 kubectl.sha256)  kubectl" | sha256sum -c - \
    && chmod 755 kubectl && rm kubectl.sha256
ARG HELM_URL=https://get.helm.sh
ARG HELM_VERSION=v3.19.2
RUN archive=helm-$HELM_VERSION-linux-$(dpkg --print-architecture).tar.gz \
    && curl -fsSL --retry 3 -O "$HELM_URL/$archive" \
    && curl -fsSL --retry 3 -O "$HELM_URL/$archive.sha256sum" \
    && sha256sum -c "$archive.sha256sum" \
    && tar -xzf "$archive" --strip-components 1 --wildcards '*/helm' && rm "$archive" "$archive.sha256sum"

# --- the agent, in an environment of its own --------------------------------------------------------------------

FROM ${BASE} AS environment
ARG DEBIAN_FRONTEND=noninteractive
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
ARG PIP_INDEX_URL=
COPY . /source
RUN python3 -m venv /opt/devops-agent \
    && /opt/devops-agent/bin/python -m pip install --no-cache-dir --disable-pip-version-check /source \
    && /opt/devops-agent/bin/python -m pip uninstall --yes --quiet pip setuptools

# --- the image --------------------------------------------------------------------------------------------------

FROM ${BASE}
ARG DEBIAN_FRONTEND=noninteractive
# setcap: the entry point may add groups, so that it reaches a Docker socket of any group without root
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates curl git jq libcap2-bin libgomp1 procps python3 tini \
    && groupadd --gid 1000 devops \
    && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash devops \
    && install --owner root --group devops --mode 750 /usr/bin/setpriv /usr/local/bin/with-groups \
    && setcap cap_setgid=ep /usr/local/bin/with-groups \
    && apt-get purge --yes --auto-remove libcap2-bin \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir /workspace && chown devops:devops /workspace \
    && install --directory --owner devops --group devops \
        /home/devops/.cache /home/devops/.cache/devops-agent \
    && chmod 1777 /home/devops
COPY --from=docker-cli /usr/local/bin/docker /usr/local/bin/docker
COPY --from=docker-cli /usr/local/libexec/docker/cli-plugins /usr/local/libexec/docker/cli-plugins
COPY --from=tools /tools /usr/local/bin
COPY --from=environment /opt/devops-agent /opt/devops-agent
COPY docker/entrypoint /usr/local/bin/entrypoint
RUN ln -s /opt/devops-agent/bin/devops-agent /usr/local/bin/devops-agent

ENV HOME=/home/devops \
    LANG=C.UTF-8
USER 1000:1000
WORKDIR /workspace
ARG EMBEDDED=
ARG PIP_INDEX_URL=
ARG HF_ENDPOINT=
RUN if [ -n "$EMBEDDED" ]; then devops-agent engine fetch; fi
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/entrypoint"]

LABEL org.opencontainers.image.title="DevOps Agent" \
      org.opencontainers.image.source="https://github.com/ubermorgenland/devops-agent" \
      org.opencontainers.image.licenses="MIT"
