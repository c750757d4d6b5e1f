"""What is kept for the day on which an environment is lost."""

from pydantic import Field

from terp.environment.fields import AgeRecipient, Kept, Minutes, MountPoint
from terp.model import Model


class Retention(Model):
    """Which recovery sets are kept: what one of these wants is."""

    last: Kept = Field(7, title="Last", description="The newest ones; at least one.", ge=1, examples=[3])
    daily: Kept = Field(7, title="Daily", description="The newest of each day (UTC).", examples=[14])
    weekly: Kept = Field(5, title="Weekly", description="The newest of each week (ISO 8601).", examples=[8])
    monthly: Kept = Field(12, title="Monthly", description="The newest of each month.", examples=[24])


class Objectives(Model):
    """What is promised."""

    rto: Minutes | None = Field(
        None,
        title="Recovery time",
        description="How long a rebuild may take; `terp drill` measures it.",
        examples=[60],
    )
    rpo: Minutes = Field(
        1440,
        title="Recovery point",
        description="How old the newest recovery set may be: what came after it is lost.",
        examples=[360],
    )


class Recovery(Model):
    """Where recovery sets go, who can open them, and how long they are kept."""

    to: MountPoint = Field(
        title="To",
        description="Directory; another disk than this machine's, since it must outlive it.",
        examples=["/mnt/backup/terp"],
    )
    recipients: tuple[AgeRecipient, ...] = Field(
        title="Recipients",
        description="Public keys (age) of those who can open a set; two, so that one may be lost.",
        min_length=1,
        examples=[["age126t7tqkfswrv5ztujw3fd97hgl9x9990whs4aeyezrev4unuxgpqr602fs"]],
    )
    retention: Retention = Field(
        Retention(), title="Retention", description="Which sets are kept; `terp backup` removes the others."
    )
    objectives: Objectives = Field(
        Objectives(),
        title="Objectives",
        description="What is promised, and checked by `terp backup list` and `terp drill`.",
    )
