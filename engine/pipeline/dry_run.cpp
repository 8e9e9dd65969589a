#include "engine/pipeline/dry_run.h"

#include "engine/base/text.h"
#include "engine/pipeline/decide_event.h"
#include "engine/pipeline/watched.h"

namespace engine {
namespace {

/// No more is read for one dry run.
constexpr std::size_t watched_max = 100'000;

/// The world of one dry run: what the request says was known, and what the store has counted.
class Supposed final : public Snapshot {
public:
    Supposed(const Event& event, const Json& known, GivenAnswers answers, Store* store, Instant now)
        : event_(event), known_(known), answers_(std::move(answers)), store_(store), now_(now) {}

    Result<Entity> entity(const TenantName& tenant, const Subject& subject) override {
        Entity entity;
        entity.tenant = tenant;
        entity.subject = subject;
        if (store_ != nullptr && subject == event_.subject) {
            auto stored = store_->entity(tenant, subject);
            if (!stored) return stored.error();
            if (*stored) entity.rates = std::move((*stored)->rates);
            if (*stored) entity.routing = std::move((*stored)->routing);
        }
        const auto found = known_.find(std::string(subject.kind()));
        if (found == known_.end() || !found->is_object()) return entity;
        // Of other kinds it stands for whatever entity is linked.
        entity.version = 1;
        entity.fields = *found;
        return entity;
    }

    Result<std::optional<Entity>> by_email(const TenantName& tenant, std::string_view kind,
                                           std::string_view email) override {
        auto found = entity(tenant, Subject::of(kind, event_.connection, email));
        if (!found || !found->known()) return std::optional<Entity>();
        const auto stated = text_or(found->fields, "email", "");
        if (!stated.empty() && fold_case(trim(stated)) != email) return std::optional<Entity>();
        return std::optional<Entity>(std::move(*found));
    }

    Result<std::optional<Json>> look_up(const Tenant& tenant, const Need& need) override {
        return answers_.answer(tenant, need, now_);
    }

    Result<std::vector<Instant>> counted(const TenantName& tenant, const rules::RateQuestion& question,
                                         const Subject& except) override {
        if (store_ == nullptr) return std::vector<Instant>();
        if (auto read = read_watched(tenant); !read) return read.error();
        return watched_->counted(question, except);
    }
    Result<std::unique_ptr<rules::RoutingBoard>> desk(const TenantName& tenant, const rules::Routing& routing,
                                                      const Subject& subject) override {
        if (store_ == nullptr) return std::unique_ptr<rules::RoutingBoard>();
        if (auto read = read_watched(tenant); !read) return read.error();
        return watched_->desk().seen_by(subject, routing);
    }

private:
    Result<void> read_watched(const TenantName& tenant) {
        if (watched_) return {};
        auto read = Watched::read(*store_, tenant, now_, watched_max);
        if (!read) return read.error();
        watched_ = *std::move(read);
        return {};
    }

    const Event& event_;
    const Json& known_;
    GivenAnswers answers_;
    Store* store_;
    Instant now_;
    std::optional<Watched> watched_;
};

}  // namespace

Result<Json> dry_run(const Tenant& tenant, const Json& request, Instant now, Store* store) {
    const auto* envelope = find(request, "event");
    if (envelope == nullptr) return invalid("a dry run needs \"event\"");
    auto event = event_from_envelope(tenant.name, *envelope);
    if (!event) return event.error();
    make_plain(event->data);
    event->connection = std::string(event->subject.connection());
    DecideOptions options;
    options.now = now;
    if (const auto* at = find(request, "at"); at != nullptr) {
        if (!at->is_string()) return invalid("\"at\" is not an RFC 3339 time");
        const auto instant = parse_instant(at->get_ref<const std::string&>());
        if (!instant) return invalid("\"at\": " + instant.error().message);
        options.now = *instant;
    }
    event->received = options.now;
    const auto* explain = find(request, "explain");
    options.trace = explain != nullptr && *explain == Json(true);
    const auto* known = find(request, "entity");
    if (known != nullptr && !known->is_object()) return invalid("\"entity\" is not an object of kinds");
    const Json nothing = Json::object();
    const auto* lookups = find(request, "lookups");
    auto answers = lookups == nullptr ? Result<GivenAnswers>(GivenAnswers()) : GivenAnswers::read(*lookups);
    if (!answers) return invalid("\"lookups\": " + answers.error().message);
    if (auto known = answers->check(tenant); !known) return invalid("\"lookups\": " + known.error().message);
    Supposed world(*event, known == nullptr ? nothing : *known, *std::move(answers), store, options.now);
    Work work;
    work.event = std::make_shared<const Event>(*event);
    auto decided = decide_event(tenant, work, world, options);
    if (!decided) return decided.error();
    return to_json(decided->decision);
}

}  // namespace engine
