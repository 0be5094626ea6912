# PORT and RUN are the harness's; HUB_PYTHON is an interpreter that has the hub's packages, HUB_PATH the hub's sources.
export PYTHONPATH=$HUB_PATH TRADEPOST_DATA=$RUN/data TRADEPOST_PORT=$PORT TRADEPOST_ALLOW_PRIVATE=127.0.0.0/8
rm -rf "$TRADEPOST_DATA" && mkdir -p "$TRADEPOST_DATA"
"$HUB_PYTHON" -m tradepost db upgrade && "$HUB_PYTHON" -m tradepost workspace create bench --owner owner@bench.example
exec "$HUB_PYTHON" -m tradepost serve
