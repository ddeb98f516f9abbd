"""Every refusal of the engine, one class each.

The docstring is the sentence that a person reads, with the facts filled in; ``code`` is stable and is what scripts
test; ``hint`` is the next step. Page, JSON and command line are renderings of these.
"""

from webapp.engine.errors.backup import (
    BaseUnfit,
    DiskFull,
    FilesUnreadable,
    FolderRefused,
    FormatRefused,
    MediaChanged,
    MediaMissing,
    PathRefused,
    RowRefused,
)
from webapp.engine.errors.base import Refusal
from webapp.engine.errors.file import (
    REPAIRS,
    ArchiveRefused,
    BaseMissing,
    ChainBroken,
    ChecksumWrong,
    DatabaseFileRefused,
    DecryptionFailed,
    DumpProgramMissing,
    DumpRefused,
    EmptyBackup,
    EmptyFile,
    Encrypted,
    FileChanged,
    FileRefused,
    KeyNeeded,
    KeyUnusable,
    LimitExceeded,
    MalformedFile,
    NewerFormat,
    PackageRefused,
    RepairRefused,
    TooLargeForPassphrase,
    TotalsWrong,
    TruncatedFile,
    UnknownFormat,
)
from webapp.engine.errors.restore import (
    AlreadyApplied,
    Cancelled,
    FilesUnfinished,
    IncrementReplace,
    NoReset,
    NotVerified,
    OutcomeUnknown,
    PartialReplace,
    PlanBlocked,
    PlanChanged,
    RemovalNotConfirmed,
    Stale,
    WriteRefused,
)
from webapp.engine.errors.site import (
    AddressRefused,
    DecisionRefused,
    DriftRefused,
    FillRefused,
    KeyRefused,
    ProfileRefused,
    SiteBusy,
    SiteRefused,
    SiteUnreachable,
    UnknownCategory,
    UnknownProfile,
)
from webapp.engine.errors.words import (
    BackupNotFound,
    DecisionNeeded,
    Declined,
    FolderNeeded,
    NoEarlierBackup,
    NotOneBackup,
    NotProven,
    OutputExists,
    OutputFolderMissing,
    OutputNeeded,
    SinceNeeded,
    SiteNotNamed,
)
