"""PgQ to PgQ: which batches are put, skipped, refused."""

import pytest

from queues.mover.interface import LostPosition, NotRegistered
from queues.mover.moving import Mover
from tests.mover.movers import NAME, Movers, abandon_after_commit, drain
from tests.pgq import Cluster, Database


class TestPosition:
    """Which batches are put, skipped, refused."""

    def test_batches_without_events_move_it_too(self, source: Database, mover: Mover) -> None:
        source.tick()
        moved = mover.turn()
        assert moved is not None
        assert moved.events == 0
        assert mover.target.position(mover.consumer) == moved.position
        source.insert("gifts", "one")
        source.tick()
        assert drain(mover) == 1

    def test_a_mover_that_dies_before_the_commit_has_done_nothing(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        source.insert("gifts", "one", "two")
        source.tick()
        batch = mover.source.next_batch()
        assert batch is not None
        with mover.target.transaction(mover.consumer) as transaction:
            assert transaction.put("donations", batch.events()) == 2
        mover.source.close()
        mover.target.close()
        assert target.data("donations") == []
        assert drain(mover) == 2
        assert target.data("donations") == ["one", "two"]

    def test_a_batch_whose_end_was_lost_is_not_put_again(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        source.insert("gifts", "one", "two")
        source.tick()
        batch = abandon_after_commit(mover)
        again = mover.turn()
        assert again is not None
        assert again.known
        assert again.position == batch.position
        assert mover.turn() is None
        assert target.data("donations") == ["one", "two"]

    def test_a_rewound_source_is_noticed_and_repaired(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        for data in ("one", "two", "three"):
            source.insert("gifts", data)
            source.tick()
        drain(mover)
        source.run("SELECT pgq.register_consumer_at('gifts', %s, 1)", NAME)
        with pytest.raises(LostPosition, match="--rewind"):
            mover.turn()
        assert mover.rewind() == mover.target.position(mover.consumer)
        source.insert("gifts", "four")
        source.tick()
        assert drain(mover) == 1
        assert target.data("donations") == ["one", "two", "three", "four"]

    def test_a_restored_target_is_behind_and_gets_the_rest_again(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        source.insert("gifts", "one")
        source.tick()
        drain(mover)
        then = target.one("SELECT position FROM queue_mover.position")
        source.insert("gifts", "two")
        source.tick()
        drain(mover)
        # As a restored backup has it.
        target.run("UPDATE queue_mover.position SET position = %s", then)
        target.run("DELETE FROM pgq.event_template WHERE ev_data = 'two'")
        source.insert("gifts", "three")
        source.tick()
        with pytest.raises(LostPosition):
            mover.turn()
        mover.rewind()
        assert drain(mover) == 2
        assert target.data("donations") == ["one", "two", "three"]

    def test_ticks_that_are_cleared_away_cannot_be_rewound_to(
        self, source: Database, mover: Mover
    ) -> None:
        source.insert("gifts", "one")
        source.tick()
        drain(mover)
        source.run("DELETE FROM pgq.subscription")
        source.run("DELETE FROM pgq.tick WHERE tick_id < 3")
        source.tick()
        source.run("SELECT pgq.register_consumer('gifts', %s)", NAME)
        with pytest.raises(LostPosition, match=r"does not know tick 2@.*--reset"):
            mover.rewind()

    def test_a_source_restored_from_a_backup_is_noticed_even_if_numbers_agree(
        self, cluster: Cluster, target: Database, movers: Movers
    ) -> None:
        """The target has tick 3 of a time that never was in the restored database."""
        shop = cluster.database("shop").create_queue("gifts")
        mover = movers.registered(shop, target)
        shop.insert("gifts", "one")
        shop.tick()
        drain(mover)
        movers.close()
        backup = cluster.copy(shop, "shop_backup")
        shop = Database(cluster.server.url, "shop")
        shop.insert("gifts", "lost by the restore")
        shop.tick()
        drain(mover)
        movers.close()
        cluster.drop(shop)
        shop = cluster.copy(backup, "shop")
        shop.insert("gifts", "after the restore")
        shop.tick()
        position = mover.target.position(mover.consumer)
        batch = mover.source.next_batch()
        assert position is not None
        assert batch is not None
        assert position.partition("@")[0] == batch.position.partition("@")[0]
        with pytest.raises(LostPosition):
            mover.turn()
        with pytest.raises(LostPosition, match="never came to be"):
            mover.rewind()
        mover.reset()
        assert drain(mover) == 1
        assert target.data("donations") == ["one", "lost by the restore", "after the restore"]
        movers.close()
        cluster.drop(shop)
        cluster.drop(backup)

    def test_a_queue_that_was_made_again_is_another(
        self, source: Database, target: Database, mover: Mover
    ) -> None:
        source.insert("gifts", "one")
        source.tick()
        drain(mover)
        former = mover.consumer
        source.run("SELECT pgq.drop_queue('gifts', true)")
        source.create_queue("gifts")
        with pytest.raises(NotRegistered, match="not registered with queue gifts"):
            mover.turn()
        source.run("SELECT pgq.register_consumer('gifts', %s)", NAME)
        source.insert("gifts", "two")
        source.tick()
        assert mover.consumer != former
        with pytest.raises(NotRegistered, match="the source queue is another since"):
            mover.turn()
        mover.register()
        assert drain(mover) == 1
        assert target.data("donations") == ["one", "two"]

    def test_it_starts_where_it_is_registered_and_again(
        self, source: Database, target: Database, movers: Movers
    ) -> None:
        mover = movers.mover(source, target)
        source.insert("gifts", "too early")
        source.tick()
        with pytest.raises(NotRegistered):
            mover.turn()
        assert mover.register()
        assert not mover.register()
        source.insert("gifts", "one")
        source.tick()
        assert drain(mover) == 1
        assert mover.unregister()
        assert not mover.unregister()
        source.insert("gifts", "meanwhile")
        source.tick()
        assert mover.register()
        source.insert("gifts", "two")
        source.tick()
        assert drain(mover) == 1
        assert target.data("donations") == ["one", "two"]

    def test_resetting_what_was_never_registered(
        self, source: Database, target: Database, movers: Movers
    ) -> None:
        mover = movers.mover(source, target)
        with pytest.raises(NotRegistered):
            mover.reset()
        with pytest.raises(NotRegistered):
            mover.rewind()
        assert not mover.unregister()

    def test_backlog(self, source: Database, mover: Mover) -> None:
        source.insert("gifts", "one")
        source.tick()
        drain(mover)
        assert mover.source.backlog().seconds == 0
        source.fill("gifts", 100)
        assert mover.source.backlog().events == 100
        source.tick()
        backlog = mover.source.backlog()
        assert backlog.events == 100
        assert backlog.seconds > 0
        drain(mover)
        assert mover.source.backlog().events == 0
