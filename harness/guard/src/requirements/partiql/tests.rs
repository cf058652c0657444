//! The keys of statements.

use rstest::rstest;

use super::{Keys, Statement, keys};

fn of(text: &str) -> Keys {
    let parameters = [Some("p0".to_owned()), Some("p1".to_owned()), None];
    keys(&Statement::read(text).unwrap(), "pk", &parameters)
}

#[rstest]
#[case::equal("SELECT * FROM t WHERE pk = 'a'", &["a"])]
#[case::the_other_way_round("SELECT * FROM t WHERE 'a' = pk", &["a"])]
#[case::and_more("SELECT * FROM t WHERE x > 1 AND \"pk\" = 'a' AND pk <> 'b'", &["a"])]
#[case::a_number("SELECT * FROM t WHERE pk = -1.5", &["-1.5"])]
#[case::a_list("SELECT * FROM t WHERE pk IN ['other', 'b']", &["b", "other"])]
#[case::a_list_in_parentheses("SELECT * FROM t WHERE pk in (?, 'b', ?)", &["b", "p0", "p1"])]
#[case::alternatives("SELECT * FROM t WHERE pk = 'a' OR (pk = 'b' AND x = 1)", &["a", "b"])]
#[case::a_parameter("SELECT x FROM t WHERE y = ? AND pk = ?", &["p1"])]
#[case::a_range_beside_it("SELECT * FROM t WHERE x BETWEEN 1 AND 2 AND pk = 'a'", &["a"])]
#[case::ordered("SELECT * FROM t WHERE pk = 'a' ORDER BY sk DESC", &["a"])]
#[case::deleted("DELETE FROM t WHERE pk IN ['other']", &["other"])]
#[case::updated("UPDATE t SET pk2 = 'x' SET y = ? WHERE pk = ? RETURNING ALL OLD *", &["p1"])]
#[case::inserted("INSERT INTO t VALUE {'x': {'pk': 'inner'}, 'pk': ?}", &["p0"])]
fn a_key_that_is_pinned_down_is_known(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(of(text), Keys::These(expected.iter().map(|key| (*key).to_owned()).collect()));
}

#[rstest]
#[case("SELECT * FROM t")]
#[case("SELECT pk FROM t")]
#[case("SELECT * FROM t WHERE x = 'pk'")]
#[case("SELECT * FROM t WHERE x = 'a' OR y IN ['b']")]
fn a_select_that_says_nothing_of_the_key_is_about_all(#[case] text: &str) {
    assert_eq!(of(text), Keys::All);
}

#[rstest]
#[case::greater("SELECT * FROM t WHERE pk > 'a'", true)]
#[case::a_function("SELECT * FROM t WHERE begins_with(pk, 'a')", true)]
#[case::negated("SELECT * FROM t WHERE NOT pk = 'a'", true)]
#[case::negated_list("SELECT * FROM t WHERE NOT (pk IN ['a'])", true)]
#[case::or_anything("SELECT * FROM t WHERE pk = 'a' OR x = 1", true)]
#[case::a_path("SELECT * FROM t WHERE t.pk = 'a'", true)]
#[case::a_missing_parameter("SELECT * FROM t WHERE pk = ? AND x = ? AND y = ? OR pk = ?", false)]
#[case::two_values("SELECT * FROM t WHERE pk = 'a' AND pk = 'b'", false)]
#[case::not_well_formed("SELECT * FROM t WHERE (pk = 'a'", false)]
#[case::an_update_without_its_key("UPDATE t SET x = 1 WHERE y = 2", false)]
#[case::an_item_without_its_key("INSERT INTO t VALUE {'x': {'pk': 'a'}}", false)]
#[case::an_item_with_two("INSERT INTO t VALUE {'pk': 'a', 'pk': 'b'}", false)]
fn a_key_that_is_not_pinned_down_is_not_taken_for_a_value(#[case] text: &str, #[case] scans: bool) {
    assert_eq!(of(text), Keys::Unclear { scans });
}
