#!/usr/bin/env python3
"""Checks a JSON document against a JSON Schema, for the few keywords that the schemas of this project use.

    check_schema.py SCHEMA < DOCUMENT

Exit status: 0 it fits, 1 it does not (each place on stderr), 2 the schema has a keyword that is not known here.
"""

import json
import re
import sys

SILENT = {"$schema", "$defs", "title", "description"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


def check(schema, value, place, root, wrong):
    for keyword, rule in schema.items():
        good = True
        if keyword in SILENT:
            continue
        if keyword == "$ref":
            target = root
            for part in rule.removeprefix("#/").split("/"):
                target = target[part]
            check(target, value, place, root, wrong)
        elif keyword == "allOf":
            for part in rule:
                check(part, value, place, root, wrong)
        elif keyword == "type":
            good = isinstance(value, TYPES[rule]) and (rule != "integer" or not isinstance(value, bool))
        elif keyword == "const":
            good = value == rule and type(value) is type(rule)
        elif keyword == "enum":
            good = value in rule
        elif keyword == "pattern":
            good = not isinstance(value, str) or re.search(rule, value) is not None
        elif keyword in ("minLength", "maxLength"):
            short = keyword == "minLength"
            good = not isinstance(value, str) or (len(value) >= rule if short else len(value) <= rule)
        elif keyword in ("minimum", "maximum"):
            low = keyword == "minimum"
            good = not isinstance(value, int) or (value >= rule if low else value <= rule)
        elif keyword == "maxItems":
            good = not isinstance(value, list) or len(value) <= rule
        elif keyword == "maxProperties":
            good = not isinstance(value, dict) or len(value) <= rule
        elif keyword == "uniqueItems":
            texts = [json.dumps(item, sort_keys=True) for item in value] if isinstance(value, list) else []
            good = len(texts) == len(set(texts))
        elif keyword == "items":
            for number, item in enumerate(value if isinstance(value, list) else []):
                check(rule, item, "%s[%d]" % (place, number), root, wrong)
        elif keyword == "required":
            good = not isinstance(value, dict) or all(name in value for name in rule)
        elif keyword == "properties":
            for name, part in rule.items():
                if isinstance(value, dict) and name in value:
                    check(part, value[name], "%s.%s" % (place, name), root, wrong)
        elif keyword == "propertyNames":
            for name in value if isinstance(value, dict) else []:
                check(rule, name, "%s (name)" % place, root, wrong)
        elif keyword == "additionalProperties":
            others = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else set()
            for name in others if rule is not False else []:
                check(rule, value[name], "%s.%s" % (place, name), root, wrong)
            good = rule is not False or not others
        else:
            sys.exit("unknown keyword %s" % keyword)
        if not good:
            wrong.append("%s: %s" % (place, keyword))


def main(path):
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    wrong = []
    check(schema, json.load(sys.stdin), "$", schema, wrong)
    for place in wrong:
        print(place, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
