"""What the curriculum is made of: courses, modules, lessons, papers and learning paths."""

from dataclasses import dataclass
from difflib import get_close_matches

from dlbook.errors import CourseError


class UnknownLesson(CourseError, LookupError):
    """No lesson, or more than one, answers to this name."""


@dataclass(frozen=True)
class Course:
    """A course that ours takes its homework from; ``id`` is the prefix of a homework code."""

    id: str
    title: str
    teacher: str
    url: str
    line: str


@dataclass(frozen=True)
class Homework:
    """What a homework of the source course really is."""

    code: str
    about: str


@dataclass(frozen=True)
class Paper:
    """A paper: an arXiv id, or ``where`` it appeared."""

    title: str
    arxiv: str = ""
    where: str = ""
    area: str = ""

    @property
    def url(self) -> str:
        """Where it is on arXiv, or nothing."""
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else ""


@dataclass(frozen=True)
class Lesson:
    """One lesson. ``minutes`` is the ceiling of the quick profile; the GPU numbers belong to ``full``."""

    id: str
    title: str
    summary: str
    topics: tuple[str, ...]
    homework: tuple[Homework, ...]
    prerequisites: tuple[str, ...]
    minutes: float
    gpu_minutes: float
    vram_gb: float
    papers: tuple[Paper, ...]
    owns: tuple[str, ...]
    status: str
    added: str = ""
    full_verified: bool = False

    @property
    def module(self) -> str:
        """The module's id: the part before the slash."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The part after the slash."""
        return self.id.rpartition("/")[2]

    @property
    def short(self) -> str:
        """What stands before the colon of the title: 「拆開 Transformer」."""
        return self.title.partition("：")[0]

    @property
    def ready(self) -> bool:
        """Whether the lesson can be taken today."""
        return self.status == "ready"


@dataclass(frozen=True)
class Module:
    """A group of lessons."""

    id: str
    title: str
    line: str
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True)
class Week:
    """One week of a path: what it is for, and the ids of its lessons."""

    goal: str
    lessons: tuple[str, ...]


@dataclass(frozen=True)
class LearningPath:
    """A learning path. The lessons of the paths it assumes are taken as known."""

    id: str
    title: str
    weeks: str
    line: str
    assumes: tuple[str, ...]
    week: tuple[Week, ...]

    @property
    def lessons(self) -> tuple[str, ...]:
        """The ids of its lessons, in order."""
        return tuple(lesson for week in self.week for lesson in week.lessons)


@dataclass(frozen=True)
class Curriculum:
    """Everything in ``curriculum.toml``, in its order."""

    courses: tuple[Course, ...]
    modules: tuple[Module, ...]
    paths: tuple[LearningPath, ...]
    papers: tuple[Paper, ...]

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """All lessons, in teaching order."""
        return tuple(lesson for module in self.modules for lesson in module.lessons)

    def find(self, name: str) -> Lesson:
        """The lesson called ``module/name``, or ``name`` where that is unique."""
        wanted = name.strip().strip("/").removesuffix(".ipynb").removesuffix(".py")
        found = [lesson for lesson in self.lessons if wanted in (lesson.id, lesson.name)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = "、".join(lesson.id for lesson in found)
            raise UnknownLesson(f"有好幾課都叫「{name}」：{ids}。請寫全名。")
        raise UnknownLesson(self._not_found(name, wanted))

    def _not_found(self, name: str, wanted: str) -> str:
        names = {key: lesson.id for lesson in self.lessons for key in (lesson.id, lesson.name)}
        wanted = wanted.lower()
        close = [key for key in names if wanted and wanted in key]
        close += get_close_matches(wanted, names, n=6)
        guesses = list(dict.fromkeys(names[key] for key in close))[:3]
        hint = f"你是不是要找 {'、'.join(guesses)}？" if guesses else ""
        return f"沒有「{name}」這一課。{hint}所有的課請看 `dlbook list`。"
