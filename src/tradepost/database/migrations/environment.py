"""What both Alembic environments do: run on the connection they are handed, inside its transaction."""

from alembic import context


def run() -> None:
    """Run the migrations that the calling command asks for."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        target_metadata=attributes.get("metadata"),
        version_table=attributes["version_table"],
        transactional_ddl=True,
        render_as_batch=False,
        compare_type=True,
        user_module_prefix="types.",
    )
    with context.begin_transaction():
        context.run_migrations()
