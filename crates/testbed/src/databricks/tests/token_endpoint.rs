use super::*;

#[tokio::test]
async fn a_good_jwt_is_exchanged_for_a_token_that_names_its_subject() {
    let (idp, workspace) = both().await;

    let granted = exchange(&workspace, &idp.mint("alice@example.com")).await;

    assert_eq!(granted.status, 200, "{}", granted.text());
    let token = granted.json()["access_token"].as_str().unwrap().to_owned();
    let me = format!("{}/api/2.0/preview/scim/v2/Me", workspace.url());
    let me = get(&me, &[("authorization", &bearer(&token))]).await;
    assert_eq!(me.json()["userName"], "alice@example.com");
    assert_eq!(workspace.exchanges("alice@example.com"), 1);
    assert_eq!(workspace.token_calls(), 1);
    assert_eq!(workspace.seen()[0].identity.as_deref(), Some("alice@example.com"));
    assert!((800..1400).contains(&token.len()), "{}", token.len());
}
