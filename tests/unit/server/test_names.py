"""The list of a server's models."""

from conch_dna.records import Share
from conch_dna.server.names import Models
from conch_dna.server.schemas import Listed


def test_models_say_whether_a_neurons_answers_were_verified(registry, write_adapter, fields, verdict):
    right = verdict.candidate.model_copy(update={"right": {"natural": Share.of(3, 12)}})
    for name, found in (
        ("none", None),
        ("unverified", verdict),
        ("verified", verdict.model_copy(update={"candidate": right})),
    ):
        registry.publish(name, write_adapter(1), fields.model_copy(update={"verdict": found}))
    models = Models(registry, fields.base_digest).all()
    listed = {model.id: Listed.model_validate(model.as_dict()).verified for model in models}
    assert [name for name, verified in listed.items() if verified] == ["verified", "verified@1"]
    assert listed["base"] is listed["unverified"] is listed["none"] is False
