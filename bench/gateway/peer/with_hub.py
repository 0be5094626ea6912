"""Runs the harness with the hub as its first peer, beside one yardstick and the peers named in BENCH_PEERS."""

import importlib
import os

run = importlib.import_module("run")
named = os.environ.get("BENCH_PEERS", "").split()
run.PT[:] = [row for row in run.PT if row[0] == "pt:uvicorn+pool"]
run.PEER_ROWS[:] = [("tradepost", "tradepost", {}), *(row for row in run.PEER_ROWS if row[1] in named)]
run.main()
