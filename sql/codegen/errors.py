"""How the plugin says no."""


class CodegenError(Exception):
    """Something that must not be rendered. The message says where it is and what to do about it."""


class ManyCodegenError(CodegenError):
    """All that was found wrong in one run, so that it can be mended in one go."""

    def __init__(self, problems: list[str]) -> None:
        """Join the messages, one a line."""
        super().__init__("\n".join(problems))
