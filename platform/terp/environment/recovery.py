"""What is kept for the day on which an environment is lost."""

from pydantic import Field

from terp.environment.fields import (
    AgeRecipient,
    Bucket,
    Certificates,
    Http,
    Kept,
    Minutes,
    MountPoint,
    Reference,
)
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


class S3(Model):
    """The service that has the bucket."""

    endpoint: Http | None = Field(
        None,
        title="Endpoint",
        description="Address of the service; the variable AWS_ENDPOINT_URL or AWS itself when absent.",
        examples=["https://s3.example.org"],
    )
    region: Reference | None = Field(
        None,
        title="Region",
        description="What requests are signed for; the variable AWS_REGION or us-east-1 when absent.",
        examples=["eu-central-1"],
    )
    credential: Reference = Field(
        "~/.aws/credentials",
        title="Credential",
        description="File as AWS's command line has it, with the profile AWS_PROFILE or default; the "
        "variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY come before it.",
        examples=["~/.config/terp/s3"],
    )
    ca: Certificates | None = Field(
        None,
        title="CA",
        description="PEM certificates that the service is trusted by, besides the machine's.",
        examples=["-----BEGIN CERTIFICATE-----\n..."],
    )


class Recovery(Model):
    """Where recovery sets go, who can open them, and how long they are kept."""

    to: MountPoint | Bucket = Field(
        title="To",
        description="Directory or S3 bucket; another disk than this machine's, since it must outlive it.",
        examples=["/mnt/backup/terp", "s3://backup/terp"],
    )
    s3: S3 = Field(S3(), title="S3", description="The service that has the bucket of `to`.")
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
