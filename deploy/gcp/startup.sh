#!/usr/bin/env bash
# Start-up script of a Debian 12 machine of Compute Engine: fetches the archive that deploy/package makes, checks
# it and runs the node on the persistent disk "quantumharmony-data". What it needs is in the machine's metadata:
# package-url, package-sha256, node-options. Runs at every start of the machine; docs/deployment.md.
set -euo pipefail

metadata() {
  curl --fail --silent --retry 10 --retry-all-errors -H 'Metadata-Flavor: Google' \
    "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"
}

# The program of a running node is changed by hand, not by a restart of the machine.
if [ -e /etc/systemd/system/quantumharmony-node.service ]; then exit 0; fi

mkdir -p /opt/quantumharmony
cd /opt/quantumharmony
curl --fail --silent --show-error --location --retry 10 --retry-all-errors \
  -o node.tar.gz "$(metadata package-url)"
echo "$(metadata package-sha256)  node.tar.gz" | sha256sum --check
tar -xzf node.tar.gz
read -r -a options <<<"$(metadata node-options)"
./install-node /dev/disk/by-id/google-quantumharmony-data "${options[@]}"
