#!/usr/bin/env python3
"""Spreads a campaign of simulations over workers with Dask's distributed.

Each task is one shard of the campaign: `flotilla-sim simulate --shard k/n` in a process of its own,
which prints one report. The reports are merged with `flotilla-sim merge`, which gives the same result
as one long sweep on one machine, whatever the number of shards and workers.

  Simulations/Campaign/campaign.py --seeds 100000 --shards 200 --scheduler tcp://10.0.0.1:8786
  Simulations/Campaign/campaign.py --seeds 400 --shards 4 --local 2

With --scheduler the tasks go to the workers of that cluster, on each of which the simulator must be
at the same path. With --local N a cluster of N workers is made on the loopback interface and ended
again. Exits as the merged report does: 0 if nothing was found, 1 if a property broke.
"""

import argparse
import json
import pathlib
import subprocess
import sys


def shard(simulator, seed, seeds, number, count, more):
    """Runs one shard; gives its report as text. Runs on a worker."""
    result = subprocess.run(
        [simulator, "simulate", "--seed", str(seed), "--seeds", str(seeds),
         "--shard", "%d/%d" % (number, count), "--jobs", "1", "--no-corpus", "--keep", "none",
         "--progress", "none", "--format", "json", *more],
        capture_output=True, text=True, check=False)
    # 0 to 4 are verdicts; anything else means that there is no report to be merged.
    if result.returncode not in (0, 1, 2, 3, 4):
        raise RuntimeError("shard %d/%d: exit %d: %s" % (
            number, count, result.returncode, result.stderr.strip()[-500:]))
    return result.stdout


def connect(options):
    """A client of the cluster that is asked for."""
    from dask.distributed import Client, LocalCluster

    if options.scheduler:
        return Client(options.scheduler), None
    cluster = LocalCluster(
        n_workers=options.local, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address=None)
    return Client(cluster), cluster


def gather(client, options, folder):
    """Hands the shards out and writes each report as it comes; gives the paths."""
    from dask.distributed import as_completed

    futures = {}
    for number in range(1, options.shards + 1):
        future = client.submit(
            shard, options.simulator, options.seed, options.seeds, number, options.shards,
            options.more, pure=False, retries=2)
        futures[future.key] = number
        futures[number] = future
    tasks = [futures[number] for number in range(1, options.shards + 1)]
    paths = []
    for future in as_completed(tasks):
        number = futures[future.key]
        path = folder / ("shard-%04d.json" % number)
        path.write_text(future.result())
        paths.append(path)
        report = json.loads(path.read_text())
        print("shard %d/%d: %d runs, %d failing" % (
            number, options.shards, report["runs"], report["failing"]), file=sys.stderr)
    return sorted(paths)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", default="flotilla-sim", help="the path of flotilla-sim")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seeds", type=int, required=True, help="how many seeds in all")
    parser.add_argument("--shards", type=int, default=16, help="how many tasks (default 16)")
    parser.add_argument("--scheduler", help="the address of a Dask scheduler")
    parser.add_argument("--local", type=int, default=2, metavar="N", help="workers on loopback")
    parser.add_argument("--out", default="runs/campaign", help="the folder for the reports")
    parser.add_argument("more", nargs="*", help="further options of simulate, after --")
    options = parser.parse_args()

    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("shard-*.json"):
        old.unlink()
    client, cluster = connect(options)
    try:
        paths = gather(client, options, folder)
    finally:
        client.close()
        if cluster:
            cluster.close()
    merged = folder / "campaign.json"
    with merged.open("w") as out:
        code = subprocess.run(
            [options.simulator, "merge", "--format", "json", *map(str, paths)], stdout=out,
            check=False).returncode
    subprocess.run([options.simulator, "merge", *map(str, paths)], check=False)
    print("wrote  %s" % merged)
    return code


if __name__ == "__main__":
    sys.exit(main())
