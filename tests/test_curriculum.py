"""The curriculum: complete as the syllabus has it, consistent, and true of the files in the checkout."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dlbook import curriculum
from dlbook.curriculum import Lesson, UnknownLesson

ROOT = Path(__file__).resolve().parent.parent
COURSE = curriculum.load()
READY = [lesson for lesson in COURSE.lessons if lesson.ready]

SYLLABUS = {
    "foundations": "environment_setup math_essentials pytorch_fundamentals",
    "supervised_learning": "regression classification mlp_training",
    "computer_vision": "cnn_fundamentals",
    "sequence_modeling": "rnn_lstm attention_mechanism transformer transformer_internals "
    "transformer_training",
    "language_models": "genai_introduction bert_applications llm_finetuning llm_inference",
    "generative_models": "autoencoder_vae gan diffusion_advanced diffusion_customization",
    "graph_learning": "gnn_fundamentals",
    "robustness_security": "explainable_ai adversarial_attack llm_safety",
    "transfer_adaptation": "domain_adaptation catastrophic_forgetting lifelong_learning",
    "reinforcement_learning": "rl_fundamentals rlhf_alignment",
    "advanced_learning": "meta_learning",
    "deployment": "training_optimization model_compression",
    "ai_agents": "rag_basic rag_fundamentals agent_tools",
    "llm_advanced": "model_editing model_merging",
    "multimodal": "speech_generation",
}


def lesson_ids(lesson: Lesson) -> str:
    return lesson.id


def test_the_38_lessons_of_15_modules() -> None:
    found = {m.id: " ".join(lesson.name for lesson in m.lessons) for m in COURSE.modules}
    assert list(found.items()) == list(SYLLABUS.items())
    assert (len(COURSE.modules), len(COURSE.lessons)) == (15, 38)


def test_paths_and_courses() -> None:
    assert [path.id for path in COURSE.paths] == ["beginner", "advanced", "llm", "nlp", "cv", "rl"]
    assert [len(COURSE.paths[0].week), len(COURSE.paths[1].week)] == [6, 3]
    assert [course.id for course in COURSE.courses] == ["2021", "2025S", "2025F"]


def test_a_path_lists_a_lesson_once() -> None:
    for path in COURSE.paths:
        assert len(set(path.lessons)) == len(path.lessons), path.id


def test_every_lesson_says_what_it_is() -> None:
    for lesson in COURSE.lessons:
        assert lesson.title, lesson.id
        assert lesson.summary.endswith("。"), lesson.id
        assert len(lesson.topics) >= 4, lesson.id
        assert lesson.papers, lesson.id
        assert lesson.homework or lesson.added, f"{lesson.id}：沒有作業就要說明"
        assert lesson.minutes <= 3, f"{lesson.id}：quick 設定最多三分鐘"
        assert not lesson.full_verified or lesson.ready, lesson.id


def test_attributions_that_are_often_told_wrong() -> None:
    codes = {lesson.name: {work.code for work in lesson.homework} for lesson in COURSE.lessons}
    assert codes["classification"] == {"2021 HW2-1"}
    assert "2025F HW6" in codes["cnn_fundamentals"]
    assert codes["diffusion_advanced"] == set()
    assert {"2025S HW10", "2025F HW9"} == codes["diffusion_customization"]
    assert {"2025S HW6", "2025F HW8", "2021 HW14"} == codes["catastrophic_forgetting"]
    assert "2025F HW7" in codes["llm_finetuning"] & codes["rlhf_alignment"]
    added = COURSE.find("transformer_internals").added
    assert "KV cache" in added
    assert "不在" in added


def test_every_homework_has_a_lesson() -> None:
    codes = {work.code for lesson in COURSE.lessons for work in lesson.homework}
    for course, last in {"2021": 15, "2025S": 10, "2025F": 10}.items():
        for number in range(1, last + 1):
            wanted = f"{course} HW{number}"
            assert any(code.partition("-")[0] == wanted for code in codes), wanted


# --- the checkout ---


@pytest.mark.parametrize("lesson", READY, ids=lesson_ids)
def test_a_ready_lesson_has_all_its_files(lesson: Lesson) -> None:
    files = [
        f"lessons/{lesson.id}.py",
        f"notebooks/{lesson.id}.ipynb",
        f"src/dlbook/exercises/{lesson.id}.py",
        f"records/{lesson.id}.json",
    ]
    concepts = {owned.partition(":")[0] for owned in lesson.owns}
    for concept in sorted(concepts):
        _, *package, name = concept.split(".")
        files.append("/".join(["tests", *package, f"test_{name}.py"]))
    missing = [name for name in files if not (ROOT / name).is_file()]
    assert not missing, f"{lesson.id} 標為 ready，但缺少：{missing}"


@pytest.mark.parametrize("lesson", READY, ids=lesson_ids)
def test_a_ready_lesson_has_the_title_of_the_curriculum(lesson: Lesson) -> None:
    text = (ROOT / f"lessons/{lesson.id}.py").read_text(encoding="utf-8")
    heading = re.search(r"^# (?!%%)(.+)$", text, re.MULTILINE)
    assert heading
    assert heading[1] == lesson.title


@pytest.mark.parametrize("lesson", READY, ids=lambda lesson: lesson.id)
def test_a_lesson_says_which_lessons_it_links_to_are_still_planned(lesson: Lesson) -> None:
    folder = ROOT / "lessons" / lesson.module
    text = (ROOT / "lessons" / f"{lesson.id}.py").read_text("utf-8")
    for line in re.split(r"[\n；]", text):
        for link in re.findall(r"\]\(([\w/.]+)\.ipynb\)", line):
            target = (folder / link).resolve().relative_to(ROOT / "lessons").as_posix()
            assert COURSE.find(target).ready != ("規劃中" in line), line


def test_only_ready_lessons_have_a_notebook() -> None:
    built = {path.relative_to(ROOT / "notebooks") for path in ROOT.glob("notebooks/*/*.ipynb")}
    assert {path.with_suffix("").as_posix() for path in built} == {lesson.id for lesson in READY}


def definitions(module: str) -> set[str]:
    """The names that a module of the course defines at its top level."""
    base = ROOT.joinpath("src", *module.split("."))
    path = base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {x.id for t in targets for x in ast.walk(t) if isinstance(x, ast.Name)}
    return names


def inlined(lesson: Lesson) -> set[str]:
    """The objects behind ``# inline`` in a lesson's script, as ``module:object``."""
    text = (ROOT / f"lessons/{lesson.id}.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    return {
        f"{node.module}:{alias.name}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom)
        and re.search(r"#\s*inline\b", "\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for alias in node.names
    }


@pytest.mark.parametrize("lesson", READY, ids=lesson_ids)
def test_owned_objects_exist_and_are_shown(lesson: Lesson) -> None:
    for owned in lesson.owns:
        module, _, name = owned.partition(":")
        assert name in definitions(module), f"{owned} 不存在"
    assert set(lesson.owns) <= inlined(lesson), "擁有的物件要在課文裡以 # inline 展開"


@pytest.mark.parametrize("lesson", READY, ids=lesson_ids)
def test_a_lesson_inlines_no_other_ready_lessons_objects(lesson: Lesson) -> None:
    owner = {owned: other for other in COURSE.lessons for owned in other.owns}
    for name in sorted(inlined(lesson)):
        assert name in owner, f"{name} 沒有登記在任何一課的 owns"
        home = owner[name]
        assert home == lesson or not home.ready, f"{name} 的家是 {home.id}：拿掉 # inline"


def test_loading_needs_neither_torch_nor_much_time() -> None:
    code = (
        "import sys, dlbook.curriculum as c; c.load();"
        "assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


# --- find ---


def test_find_by_id_or_name() -> None:
    assert curriculum.find("generative_models/gan") is curriculum.find("gan")
    assert curriculum.find("notebooks/generative_models/gan.ipynb".removeprefix("notebooks/"))
    lesson = curriculum.find("transformer")
    assert (lesson.module, lesson.name, lesson.ready) == ("sequence_modeling", "transformer", True)


@pytest.mark.parametrize(
    ("typed", "guess"),
    [
        ("transformer_internal", "sequence_modeling/transformer_internals"),
        ("computer_vision/cnn_fundmentals", "computer_vision/cnn_fundamentals"),
        ("RNN", "sequence_modeling/rnn_lstm"),
        ("rag", "ai_agents/rag_basic"),
    ],
)
def test_a_misspelt_lesson_gets_a_guess(typed: str, guess: str) -> None:
    with pytest.raises(UnknownLesson) as caught:
        curriculum.find(typed)
    message = str(caught.value)
    assert f"沒有「{typed}」這一課" in message
    assert "你是不是要找" in message
    assert guess in message
    assert "dlbook list" in message
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize("typed", ["", "　", "zzzz", "../../etc/passwd", "一二三"])
def test_nonsense_gets_no_guess(typed: str) -> None:
    with pytest.raises(UnknownLesson, match="這一課。所有的課請看 `dlbook list`"):
        curriculum.find(typed)
