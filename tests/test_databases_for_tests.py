import psycopg
import redis


def test_every_test_gets_an_empty_postgresql_database(postgresql: str) -> None:
    with psycopg.connect(postgresql) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (0,)


def test_the_private_redis_listens_on_no_port(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("port") == {"port": "0"}
