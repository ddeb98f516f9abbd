"""What the engine answers: plain frozen values, no behaviour beyond arithmetic.

Every reader (page, JSON, command line, test) is a rendering of these. They encode to JSON and back with
``msgspec.json``, so a stored answer can be shown later exactly as it was given.
"""

from webapp.engine.answers.analysis import (
    Advice,
    Analysis,
    CategoryFacts,
    ColumnDrift,
    Evidence,
    FieldDrift,
    FilesFacts,
    ModelFacts,
    NaturalKey,
    Origin,
    OriginVerdict,
    ReferenceFacts,
    ValueDrift,
)
from webapp.engine.answers.base import Answer, Place, Problem
from webapp.engine.answers.file import Damage, FileFacts, FilePart, Sample, StoredFile
from webapp.engine.answers.outcome import (
    BackupCheck,
    BackupFacts,
    DrillAnswer,
    DrilledTable,
    Outcome,
    ProbeResult,
    SiteCheck,
    SiteTable,
)
from webapp.engine.answers.plan import (
    FILES,
    Action,
    Candidate,
    Choices,
    Conflict,
    Counts,
    Doubt,
    FieldChange,
    FileGap,
    FilesPlan,
    Gain,
    Person,
    PersonState,
    Plan,
    Reason,
    RowChange,
    RowPage,
    TablePlan,
    Twin,
)
