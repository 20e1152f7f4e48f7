"""Interface of an added instruction to its stage: what it can read and change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.arguments.checked import checked
from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.shell.expand import DOCUMENT
from llb.dockerfile.to_llb.run import execute, with_shell
from llb.dockerfile.to_llb.step_names import expand_code
from llb.errors import InvalidValueError, did_you_mean
from llb.state.image_config import CONFIG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llb import Platform, State
    from llb.dockerfile.instructions.nodes import AddedInstruction
    from llb.dockerfile.parser.parser import Heredoc
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.state.settings import MountValue
    from llb.state.step_options import StepOptions


class Site:
    """An added instruction in its stage.

    ``words`` are the words after the flags, with their variables replaced unless the syntax has
    ``is_whole``. The conversion function calls :meth:`run`, :meth:`take`, :meth:`configure` and
    :meth:`set_variable`, which take effect in the order of the calls.
    """

    def __init__(
        self, conversion: Conversion, result: StageResult, instruction: AddedInstruction
    ) -> None:
        self._conversion = conversion
        self._result = result
        self._instruction = instruction
        self._steps = 0
        self._has_history = False
        self.words = self._expand(instruction.words)

    # --- reading --------------------------------------------------------------

    @checked
    def flag(self, name: str) -> str | None:
        """Read the value of a flag; None if the flag is absent."""
        values = self.flags(name)
        return values[-1] if values else None

    @checked
    def flags(self, name: str) -> tuple[str, ...]:
        """Read all values of a repeated flag; an empty tuple if it is absent."""
        return self._expand(self._instruction.flags.get(name, ()))

    @checked
    def switch(self, name: str) -> bool:
        """Check whether a switch is on."""
        return self._instruction.flags.get(name) == ("true",)

    @property
    def documents(self) -> tuple[str, ...]:
        """The contents of the heredocs, with their variables replaced unless they are quoted."""
        return tuple(self._heredoc(heredoc) for heredoc in self._instruction.documents)

    @property
    def state(self) -> State:
        """The current files of the stage, with the settings of processes."""
        return self._result.state

    @property
    def env(self) -> Mapping[str, str]:
        """The variables before the instruction, including those of ARG."""
        return dict(self._result.env)

    @property
    def platform(self) -> Platform:
        """The platform of the stage."""
        return self._result.platform

    @checked
    def config(self, key: str) -> Any:
        """Read a field of the image config by Docker's key, for example ``User``; None if unset."""
        config = self._result.image.to_config()
        return config.to_dict().get(key, config.other.get(key))

    @checked
    def context(self, path: str) -> State:
        """Use ``path`` of the build context; the client need not send other files."""
        self._conversion.context.use(path)
        return self._conversion.context.state

    @checked
    def tree(self, flag: str) -> State | None:
        """Use the files of the stage or image that a flag names; None if the flag is absent."""
        kind, flags = self._instruction.kind, self._instruction.flags
        if flag not in flags:
            return None
        index = [name for name in kind.trees if name in flags].index(flag)
        source = self._conversion.source_of(self._result, self._instruction, index)
        source.use("/")
        return source.state

    @checked
    def error(
        self, message: str, *, word: str | None = None, hint: str | None = None
    ) -> DockerfileError:
        """Create an error at this instruction, with a caret below ``word`` in its source."""
        first, last = self._instruction.origin.lines
        source = self._conversion.source
        spans = (source.span(line, last, word=word) for line in range(first, last + 1))
        whole = source.span(first, last)
        span = next((span for span in spans if span.column is not None), whole)
        return DockerfileError(message, span=span, hint=hint)

    # --- changing -------------------------------------------------------------

    @checked
    def run(self, command: str | Sequence[str], *, mounts: Iterable[MountValue] = ()) -> None:
        """Run a process as RUN does; a string is a command line for the image's shell.

        ``mounts`` are :func:`llb.bind`, :func:`llb.cache` and the other mounts of steps.
        """
        result = self._result
        args = with_shell(result.image, [command]) if isinstance(command, str) else tuple(command)
        result.use("/")
        execute(self._conversion, result, args, tuple(mounts), self.step())
        self._has_history = True

    @checked
    def take(self, state: State) -> None:
        """Replace the files of the stage by those of ``state``, derived from :attr:`state`.

        The settings of ``state`` are ignored; processes keep those of the stage.
        """
        self._check_step()
        self._result.state = self._result.state.with_output(state)
        self._result.commit(f"{self._code} # buildkit", layer=True)
        self._has_history = True

    def step(self) -> StepOptions:
        """Create the options of a step: ``state.mkdir("/x", **site.step())``.

        These are its numbered name, its source lines, and whether it ignores the cache. All steps
        of an instruction have the same number.
        """
        self._check_step()
        numbering = self._result.numbering
        name_step = numbering.again if self._steps else numbering.next
        self._steps += 1
        return self._conversion.step(
            self._instruction.origin,
            name_step(self._code, self._result.env),
            ignore_cache=self._result.no_cache,
            describe=True,
        )

    @checked
    def configure(self, key: str, value: object) -> None:
        """Set a field of the image config by Docker's key: ``configure("StopSignal", "INT")``.

        Labels, ports and volumes are added to the existing ones. ``User`` and ``WorkingDir`` also
        apply to processes. Raises InvalidValueError for an unknown key, and for a value of the
        wrong type.
        """
        if key == "Env":
            raise InvalidValueError("Env cannot be set as a whole", hint="use set_variable()")
        if key not in CONFIG_FIELDS:
            hint = did_you_mean(key, CONFIG_FIELDS)
            raise InvalidValueError(f"unknown image config field {key!r}", hint=hint)
        if key == "User":
            self._result.set_user(str(value))
        elif key == "WorkingDir":
            self._result.set_workdir(str(value))
        else:
            self._result.image.configure(key, value)

    @checked
    def set_variable(self, key: str, value: str) -> None:
        """Set a variable for processes, for expansion and in the image, as ENV does."""
        self._result.set_variables([(key, value)])
        self._result.image.set_variable(key, value)

    def finish(self) -> None:
        """Add an instruction that changed only settings to the history of the image."""
        if not self._has_history:
            self._result.commit(self._code)

    def _check_step(self) -> None:
        if not self._instruction.kind.is_step:
            name = self._instruction.kind.name
            raise InvalidValueError(f"instruction {name} is not a step and cannot change files")

    @property
    def _code(self) -> str:
        """The code of the instruction, with its variables replaced."""
        conversion, code = self._conversion, self._instruction.origin.code
        if self._instruction.kind.is_whole:
            return expand_code(code, conversion.naming, self._result.env)
        return expand_code(code, conversion.expander, self._result.env)

    def _expand(self, words: tuple[str, ...]) -> tuple[str, ...]:
        if self._instruction.kind.is_whole:
            return words
        env = self._result.env
        return tuple(self._conversion.expander.word(word, env) for word in words)

    def _heredoc(self, heredoc: Heredoc) -> str:
        content = heredoc.chomped
        return DOCUMENT.word(content, self._result.env) if heredoc.expand else content


def convert_added(
    conversion: Conversion,
    result: StageResult,
    instruction: AddedInstruction,
    handler: Callable[[Site], None],
) -> None:
    """Convert an added instruction with the function of its language."""
    site = Site(conversion, result, instruction)
    handler(site)
    site.finish()
