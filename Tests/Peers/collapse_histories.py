"""A few of the training histories of the FastAT Benchmark (arXiv:2604.22853), for CollapseHistoriesTests.swift.

usage: collapse_histories.py fastat-histories.json > Tests/TrainingTests/Fixtures/fastat/histories.json

The file has of each published run the validation accuracy under PGD by epoch, `pgd` and `averaged_pgd`, and where it collapses.
"""
import argparse
import json
import pathlib

RUNS = [
    "cifar10/elle/0",  # the raw weights collapse late and recover, the averaged ones do not fall
    "cifar10/fgsm_at/2",  # the same early
    "cifar10/fgsm_rs/1",  # both, within an epoch, and the averaged ones recover
    "cifar100/elle/1",  # the averaged ones are far above the raw ones, and fall slowly
    "cifar100/fgsm_at/0",
    "tiny-imagenet/elle/0",  # the raw ones collapse a second time for good
    "tiny-imagenet/fgsm_cuap/1",
    "tiny-imagenet/nu_at/1",  # both over twenty epochs
    # Healthy: down to 52 %, 58 % and 69 % of the best, and PGD.
    "cifar100/nu_at/1", "cifar100/free_at/1", "cifar10/ssat/1", "cifar100/pgd_at_wa/1",
]
KEYS = ["run", "pgd", "averaged_pgd", "collapse", "averaged_collapse"]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("file", type=pathlib.Path)
histories = {history["run"]: history for history in json.loads(parser.parse_args().file.read_text())}
rows = [json.dumps({key: histories[run][key] for key in KEYS}, separators=(",", ":")) for run in RUNS]
print("[\n" + ",\n".join(rows) + "\n]")
