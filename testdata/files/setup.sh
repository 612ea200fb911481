#!/bin/sh
# Run on the far side, after the import.
set -eu
helm install demo "oci://$1/charts/demo" --version 0.3.1 --values demo-values.yaml
