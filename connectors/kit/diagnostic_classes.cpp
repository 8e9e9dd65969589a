/// The classes of diagnostics that definitions and connections may bring; docs and tests are made from this.

#include "connectors/kit/definition.h"

namespace connectors {

const std::vector<DiagnosticClass>& diagnostic_classes() {
    static const std::vector<DiagnosticClass> classes{
        {"bad-definition", "The definition contradicts itself, or its name is not its folder's.",
         "Do what the message says; a signature must cover the body."},
        {"unknown-key", "A key the format does not have.", "Use the nearest key, or remove it."},
        {"missing-key", "A key the format needs is not there.", "Add it."},
        {"wrong-type", "A value is of another type than needed.", "Write a value of that type."},
        {"bad-value", "A value is of the right type, but not one that is possible.",
         "Use one of those named."},
        {"bad-expression", "An expression or template cannot be read.", "Mend it at the character named."},
        {"unknown-setting", "A connection or an expression names a setting the connector does not have.",
         "Use the nearest setting."},
        {"unknown-parameter", "A template names a parameter the action does not have.",
         "Use the nearest parameter."},
        {"unknown-action", "A write-back names an action the connector does not have.",
         "Use the nearest action."},
        {"unknown-connector", "A connection follows a connector that does not exist.",
         "Use the nearest name, or add connectors/<name>/connector.yaml."},
        {"missing-setting", "A connection lacks a setting it needs.", "Give it, or say sandbox: true."},
        {"bad-secret", "A reference to a secret is not ${env:NAME} or ${file:/path}.", "Write it so."},
        {"missing-secret", "The secret a setting refers to is not there.",
         "Set the environment variable or create the file where the daemon runs."},
    };
    return classes;
}

}  // namespace connectors
