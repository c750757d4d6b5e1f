"""What the backups of databases add to a component: a bucket for each, and the Secret with its keys."""

from terp.gitops.component import Bucket, Component, Database, Secret, SecretKey

ACCESS_KEY, SECRET_KEY = "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"


def backup(database: Database) -> str:
    """The name of the bucket, and of the Secret."""
    return f"{database.name}-backup"


def with_backups(component: Component) -> Component:
    """The component, as if it had declared them."""
    if not component.databases:
        return component
    buckets = (_bucket(each) for each in component.databases)
    secrets = (_secret(each) for each in component.databases)
    added = {"buckets": (*component.buckets, *buckets), "secrets": (*component.secrets, *secrets)}
    return component.model_copy(update=added)


def _bucket(database: Database) -> Bucket:
    name = backup(database)
    return Bucket(name=name, secret=name, access_key=ACCESS_KEY, secret_key=SECRET_KEY)


def _secret(database: Database) -> Secret:
    keys = (SecretKey(name=ACCESS_KEY), SecretKey(name=SECRET_KEY))
    return Secret(name=backup(database), description=f"Access to the backups of {database.name}.", keys=keys)
