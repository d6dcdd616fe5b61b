import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from safetensors.torch import save_file

from whence.data.fields import power_law
from whence.denoisers.wiener import Wiener
from whence.denoisers.wrap import EDM, Blind, NoisePrediction
from whence.nets.build import build
from whence.nets.unet import UNet
from whence.seeds import stream
from whence.train.checkpoint import read
from whence.train.learn import Recipe, description, digest, learn, networks_dir

DATA = {"dataset": "made up", "seed": 0, "n": 20}
RECIPE = Recipe(steps=6, batch=8)


@pytest.fixture(autouse=True)
def quiet(project, monkeypatch):
    """In a project of one's own, without bars."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    return project


def pool(n=20):
    return torch.rand(n, 1, 8, 8, generator=stream(0, "pool")) * 2 - 1


def unet(seed=0, **options):
    return build("unet", (1, 8, 8), seed, **({"width": 8, "multipliers": (1, 2)} | options))


def question():
    return torch.randn(3, 1, 8, 8, generator=stream(0, "y"))


def files():
    return sorted(path.name for path in networks_dir().iterdir())


@pytest.mark.parametrize("wrapper", [EDM, NoisePrediction, Blind])
def test_trained_now_and_loaded_later_are_one_thing(wrapper):
    now = learn(wrapper(unet()), pool(), RECIPE, DATA, "net")
    [file] = files()
    written = (networks_dir() / file).stat().st_mtime_ns
    later = learn(wrapper(unet()), pool(), RECIPE, DATA, "net")
    assert (networks_dir() / file).stat().st_mtime_ns == written, "it was not trained again"
    assert type(later) is wrapper
    assert torch.equal(now(question(), 0.5), later(question(), 0.5))
    assert not torch.equal(now(question(), 0.5), wrapper(unet())(question(), 0.5)), "it has learned something"


def test_what_comes_back_is_ready_to_use_and_what_was_given_is_as_it_was():
    given = EDM(unet())
    before = [p.detach().clone() for p in given.network.parameters()]
    learned = learn(given, pool(), RECIPE, DATA, "net")
    assert not learned.network.training
    assert not any(p.requires_grad for p in learned.network.parameters())
    assert learned.network.options == given.network.options
    assert all(torch.equal(a, b) for a, b in zip(before, given.network.parameters(), strict=True))


def test_the_global_random_state_is_neither_read_nor_moved():
    torch.manual_seed(1)
    first = learn(EDM(unet()), pool(), RECIPE, DATA, "net")
    shutil.rmtree(networks_dir())
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    second = learn(EDM(unet()), pool(), RECIPE, DATA, "net")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first(question(), 0.5), second(question(), 0.5))


def test_a_network_that_came_with_the_project_is_found_first(project):
    learned = learn(EDM(unet()), pool(), RECIPE, DATA, "net")
    (project / "data" / "networks").mkdir()
    [file] = files()
    shutil.move(networks_dir() / file, project / "data" / "networks" / file)
    found = learn(EDM(unet()), pool(), RECIPE, DATA, "net")
    assert files() == []
    assert torch.equal(learned(question(), 0.5), found(question(), 0.5))


CHANGED = {
    "wrapper": lambda: description(NoisePrediction(unet()), RECIPE, DATA),
    "number of the wrapper": lambda: description(EDM(unet(), 0.4), RECIPE, DATA),
    "class": lambda: description(EDM(build("resnet", (1, 8, 8), 0)), RECIPE, DATA),
    "options": lambda: description(EDM(unet(width=4)), RECIPE, DATA),
    "first weights": lambda: description(EDM(unet(1)), RECIPE, DATA),
    "shape": lambda: description(EDM(build("unet", (1, 16, 8), 0, width=8, multipliers=(1, 2))), RECIPE, DATA),
    "recipe": lambda: description(EDM(unet()), replace(RECIPE, rate=2e-3), DATA),
    "seed": lambda: description(EDM(unet()), replace(RECIPE, seed=1), DATA),
    "data": lambda: description(EDM(unet()), RECIPE, DATA | {"edit": "permuted"}),
}


@pytest.mark.parametrize("what", CHANGED)
def test_whatever_decides_the_outcome_changes_the_name_of_the_file(what):
    assert digest(CHANGED[what]()) != digest(description(EDM(unet()), RECIPE, DATA))


def test_so_does_the_version_of_the_code(monkeypatch):
    before = digest(description(EDM(unet()), RECIPE, DATA))
    monkeypatch.setattr(UNet, "VERSION", 99)
    assert digest(description(EDM(unet()), RECIPE, DATA)) != before


def test_nothing_else_does():
    given = {"n": 20, "seed": 0, "dataset": "made up"}  # another order
    assert digest(description(EDM(unet()), Recipe(6, 8), given)) == digest(description(EDM(unet()), RECIPE, DATA))


def test_the_file_records_how_the_network_was_trained():
    learn(EDM(unet()), pool(), RECIPE, DATA, "net")
    [file] = files()
    about = read(networks_dir() / file)[0]["about"]
    assert about["trained"]["data"] == DATA
    assert about["trained"]["recipe"]["steps"] == 6
    assert about["pool"]["shape"] == [20, 1, 8, 8]
    assert about["pool"]["mean"] == pytest.approx(float(pool().mean()), abs=1e-6)
    assert about["pool"]["deviation"] == pytest.approx(float(pool().std(correction=0)), abs=1e-6)
    assert math.isfinite(about["record"]["loss"])
    assert about["record"]["parameters"] == sum(p.numel() for p in unet().parameters())
    assert file == f"net-{digest(about['trained'])}.safetensors"


SCRIPT = """
import torch
import whence.train.learn as room
from whence.denoisers.wrap import EDM
from whence.nets.build import build
from whence.seeds import stream

room.EVERY = 0  # keep the state after every step
pool = torch.rand(20, 1, 8, 8, generator=stream(0, "pool")) * 2 - 1
net = build("resnet", (1, 8, 8), 0, width=4, layers=1)
room.learn(EDM(net), pool, room.Recipe(steps=100, batch=8), {"dataset": "made up", "seed": 0, "n": 20}, "net")
"""


def test_a_training_that_was_killed_goes_on_and_ends_where_it_would_have(project):
    child = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=project, env=os.environ | {"OMP_NUM_THREADS": "1"})
    denoiser, recipe = EDM(build("resnet", (1, 8, 8), 0, width=4, layers=1)), Recipe(steps=100, batch=8)
    partial = networks_dir() / f"net-{digest(description(denoiser, recipe, DATA))}.partial.safetensors"
    step, deadline = 0, time.monotonic() + 120
    while step < 20 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        step = read(partial)[0]["about"]["step"] if partial.exists() else 0
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it was still training"
    kept = [name for name in files() if not name.startswith(".")]  # a kill in the middle of a write leaves what lay beside
    assert kept == [partial.name]
    assert 20 <= read(partial)[0]["about"]["step"] < 100
    resumed = learn(denoiser, pool(), recipe, DATA, "net")
    assert [name for name in files() if not name.startswith(".")] == [partial.name.replace(".partial", "")]
    shutil.rmtree(networks_dir())
    straight = learn(denoiser, pool(), recipe, DATA, "net")
    torch.testing.assert_close(resumed(question(), 0.5), straight(question(), 0.5), rtol=0, atol=1e-6)


def test_the_linear_network_learns_the_wiener_filter():
    """Of Gaussian images nothing is better: on unseen ones its error comes within 2 % of the filter's."""
    seen, unseen = (0.5 * power_law(2000, 6, 2.0, stream(0, name)).float() for name in ("seen", "unseen"))
    recipe = Recipe(steps=400, batch=64, rate=1e-2, average=0.99)
    learned = learn(EDM(build("linear", (1, 6, 6), 0)), seen, recipe, {"fields": 2.0}, "linear")
    y = unseen + 0.5 * torch.randn(unseen.shape, generator=stream(0, "z"))
    error, least = ((d(y, 0.5) - unseen).square().mean() for d in (learned, Wiener.fit(seen)))
    assert 0.99 < float(error / least) < 1.02


def test_the_rate_rises_for_a_twentieth_of_the_steps_and_falls_to_nothing():
    recipe = Recipe(steps=200)
    shares = [recipe.share(k) for k in range(200)]
    assert shares[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert shares[10] == 1
    assert all(a > b for a, b in pairwise(shares[10:]))
    assert shares[105] == pytest.approx(0.5)
    assert shares[-1] < 1e-3


def test_early_weights_are_soon_forgotten_by_the_average():
    recipe = Recipe(steps=10, average=0.999)
    assert [recipe.decay(k) for k in (1, 90, 10_000)] == [2 / 11, 91 / 100, 0.999]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "a recipe of 0 steps"),
        ({"steps": 1, "batch": 0}, "batches of 0"),
        ({"steps": 1, "rate": -1.0}, "expected rate > 0"),
        ({"steps": 1, "average": 1.0}, "0 <= average < 1"),
        ({"steps": 1, "clip": float("nan")}, "clip > 0"),
        ({"steps": 1, "precision": "half"}, "precision is 'half', expected 'float32' or 'bfloat16'"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**options)


@pytest.mark.parametrize("images", [pool(1), torch.zeros(20, 1, 8, 4), torch.zeros(20, 64)], ids=["one", "shape", "flat"])
def test_a_pool_of_one_image_or_of_other_images_is_refused(images):
    with pytest.raises(ValueError, match=r"expected \(n, 1, 8, 8\) with n >= 2"):
        learn(EDM(unet()), images, RECIPE, DATA, "net")


def test_a_pool_with_numbers_that_are_not_finite_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        learn(EDM(unet()), pool() / 0, RECIPE, DATA, "net")


def test_a_network_of_unknown_origin_is_refused():
    with pytest.raises(ValueError, match=r"first weights are of unknown origin: make it with whence\.nets\.build"):
        learn(EDM(UNet((1, 8, 8), width=8, multipliers=(1, 2))), pool(), RECIPE, DATA, "net")


def test_low_precision_is_refused_on_a_processor():
    with pytest.raises(ValueError, match="'bfloat16' on cpu: slower there"):
        learn(EDM(unet()), pool(), replace(RECIPE, precision="bfloat16"), DATA, "net")


def test_a_name_that_is_no_file_name_is_refused():
    with pytest.raises(ValueError, match=r"name '\.\./net'"):
        learn(EDM(unet()), pool(), RECIPE, DATA, "../net")


def test_data_that_are_not_words_and_numbers_are_refused():
    with pytest.raises(TypeError, match="expected names and numbers that say what the pool is"):
        learn(EDM(unet()), pool(), RECIPE, {"pool": pool()}, "net")


def test_a_training_that_diverges_is_stopped_and_leaves_no_network(monkeypatch):
    monkeypatch.setattr("whence.train.learn.LOOK", 1)
    with pytest.raises(ValueError, match=r"loss is (nan|inf) at step \d+: the training has diverged; lower the recipe's rate"):
        learn(EDM(unet(norm=False)), pool(), Recipe(steps=300, batch=8, rate=1e8, clip=1e30), DATA, "net")
    assert not networks_dir().exists()


@pytest.fixture
def trained():
    """The path of a trained network's file."""
    learn(EDM(unet()), pool(), RECIPE, DATA, "net")
    [file] = files()
    return networks_dir() / file


def refused(path, match, images=None):
    with pytest.raises(ValueError, match=match) as caught:
        learn(EDM(unet()), pool() if images is None else images, RECIPE, DATA, "net")
    assert f"rm {path}" in str(caught.value)
    assert path.exists(), "a file is never deleted for the user"


def test_a_truncated_network_is_refused_with_the_command_that_mends_it(trained):
    trained.write_bytes(trained.read_bytes()[:1000])
    refused(trained, "not a whole checkpoint")


def test_a_truncated_state_on_the_way_is_refused_with_the_command_that_mends_it(trained):
    partial = trained.with_suffix(".partial.safetensors")
    partial.write_bytes(trained.read_bytes()[:1000])
    trained.unlink()
    refused(partial, "not a whole checkpoint")


@pytest.mark.parametrize("images", [pool() * 0.9, pool() + 0.01, pool()[:19]], ids=["scaled", "moved", "fewer"])
def test_a_network_trained_on_other_images_is_refused(trained, images):
    refused(trained, r"trained on a pool of .*, this one is .*say in `data` what is different", images)


def test_a_network_under_a_wrong_name_is_refused(trained):
    other = replace(RECIPE, seed=5)
    path = networks_dir() / f"net-{digest(description(EDM(unet()), other, DATA))}.safetensors"
    trained.rename(path)
    with pytest.raises(ValueError, match=r"trained as \{.*'seed': 0.*expected .*'seed': 5"):
        learn(EDM(unet()), pool(), other, DATA, "net")


def test_a_network_that_answers_otherwise_than_it_did_is_refused(trained):
    """As if the code had changed under it: here it is the witness that was moved."""
    header, found = read(trained)
    found["witness"] += 0.002
    save_file(found, trained, {name: json.dumps(value) for name, value in header.items()})
    refused(trained, "answers 0.002 away from what it did when it was stored.*the code of the network or its wrapper has changed")
