# A sweep on a cluster: the grid file of `whence sweep --grid`, a job for each of its cells, and one that joins them.
#
#   snakemake --cores 2 --config grid=FILE.toml                          on this machine
#   snakemake --executor slurm --jobs 20 --config grid=FILE.toml         on SLURM; the checkout lies on a shared disk
#
# The target of a job is the run's folder under its key, so a cell runs again when notebook, parameters, code, data or environment
# change, and a sweep that was stopped goes on. More for --config: threads=N and gpus=N of each cell.
# Then `whence sweep --grid FILE.toml --keep` prints the verdicts and puts the joined records into data/runs/; it runs nothing again.
import shlex
import sys
from pathlib import Path

from whence.runs import grid, sweep

if "grid" not in config:
    raise WorkflowError("no grid: snakemake --cores 2 --config grid=FILE.toml (whence sweep --help shows such a file)")

GRID = grid.read(file=Path(config["grid"]))
PLAN = sweep.targets(GRID)
# The jobs on other machines read this file there, so that this is their Python.
WHENCE = f"{shlex.quote(sys.executable)} -m whence.cli"


localrules:
    join,


rule join:
    input:
        list(PLAN.cells),
    output:
        PLAN.joined,
    params:
        call=f"{WHENCE} sweep --grid {shlex.quote(config['grid'])} -j 1",
    shell:
        "{params.call}"


rule cell:
    output:
        f"_build/runs/{GRID.notebook}/{{key}}/run.json",
    params:
        call=lambda wildcards, output: shlex.join(["run", *PLAN.cells[str(output[0])]]),
    threads: int(config.get("threads", 1))
    resources:
        gpu=int(config.get("gpus", 0)),
    shell:
        "{WHENCE} {params.call} --threads {threads}"
