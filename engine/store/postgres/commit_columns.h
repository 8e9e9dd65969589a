#pragma once
/// CommitColumns: what the function commit_steps takes, in its order.

#include "engine/store/postgres/column.h"
#include "engine/store/postgres/connection.h"

namespace engine::postgres {

inline Column number_column() {
    return Column(Column::Of::number);
}
inline Column text_column() {
    return Column(Column::Of::text);
}
inline Column bytes_column() {
    return Column(Column::Of::bytes);
}

/// schema/sql/postgres/0004_watched.sql says what each is for.
struct CommitColumns {
    struct {
        Column ids = number_column(), from = number_column(), seqs = number_column(), hashes = bytes_column();
    } streams;
    struct {
        Column streams = number_column(), seqs = number_column(), tenants = number_column(),
               times = number_column(), kinds = text_column(), subjects = text_column(),
               versions = number_column(), events = text_column(), rules = text_column(),
               rulesets = text_column(), actors = text_column(), previous = number_column(),
               digests = bytes_column(), hashes = bytes_column(), salts = bytes_column(),
               bodies = text_column();
    } rows;
    struct {
        Column tenants = number_column(), names = text_column(), streams = number_column(),
               seqs = number_column();
    } subjects;
    struct {
        Column keys = bytes_column(), tenants = number_column(), streams = number_column(),
               events = number_column(), decisions = number_column(), digests = bytes_column();
    } seen;
    struct {
        Column keys = bytes_column(), seqs = number_column();
    } decided;
    struct {
        Column tenants = number_column(), subjects = text_column(), first_versions = number_column(),
               first_fields = text_column(), versions = number_column(), emails = bytes_column(),
               fields = text_column(), metas = text_column(), watched = number_column();
    } entities;
    struct {
        Column partitions = number_column(), places = number_column(), numbers = number_column();
    } counters;
    struct {
        Column partitions = number_column(), places = number_column();
    } gone;
    struct {
        Column partitions = number_column(), places = number_column(), tenants = number_column(),
               subjects = text_column(), kinds = text_column(), events = text_column(),
               contexts = text_column(), seqs = number_column();
    } pending;
    struct {
        Column partitions = number_column(), numbers = number_column();
    } done;
    struct {
        Column partitions = number_column(), numbers = number_column(), attempts = number_column(),
               next = number_column();
    } moved;
    struct {
        Column partitions = number_column(), numbers = number_column(), tenants = number_column(),
               lanes = text_column(), attempts = number_column(), created = number_column(),
               next = number_column(), bodies = text_column();
    } outbox;

    /// Adds all of them to the values of the statement.
    void give_to(Values& values);
};

}  // namespace engine::postgres
