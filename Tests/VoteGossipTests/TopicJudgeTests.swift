import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// What may travel on the vote topic of GossipSub.
@Suite struct TopicJudgeTests {
    let chain: ToyChain
    let blocks: [Block]
    let view: VotingView

    init() throws {
        chain = try ToyChain(validators: 4)
        blocks = try chain.blocks(2)
        view = try Host(chain).view
    }

    private func block(_ number: Int) -> BlockRef { blocks[number - 1].header.ref }

    private func verdict(_ judge: inout TopicJudge, _ message: GossipMessage) -> TopicVerdict {
        judge.verdict(on: message.encoded(), in: view, using: ToyScheme())
    }

    @Test func `a valid vote is passed on once, whatever its signature`() throws {
        var judge = TopicJudge()
        let vote = try chain.vote(1, .prevote, round: 0, for: block(1))
        #expect(verdict(&judge, .vote(vote)) == .accept)
        #expect(verdict(&judge, .vote(vote)) == .ignore)
        let again = try chain.vote(1, .prevote, round: 0, for: block(1), salt: 5)
        #expect(verdict(&judge, .vote(again)) == .ignore)
        let other = try chain.vote(1, .precommit, round: 0, for: block(1))
        #expect(verdict(&judge, .vote(other)) == .accept)
    }

    @Test func `wrong votes are rejected and leave the right one its place`() throws {
        var judge = TopicJudge()
        let forged = try chain.vote(1, .prevote, round: 0, for: block(1), badSignature: true)
        #expect(verdict(&judge, .vote(forged)) == .reject)
        let stranger = try ToyChain(validators: 5).vote(4, .prevote, round: 0, for: block(1))
        #expect(verdict(&judge, .vote(stranger)) == .reject)
        let odd = try chain.vote(1, .prevote, round: 0, for: block(1), score: 3)
        #expect(verdict(&judge, .vote(odd)) == .reject)
        let right = try chain.vote(1, .prevote, round: 0, for: block(1))
        #expect(verdict(&judge, .vote(right)) == .accept)
    }

    @Test func `votes of other sets and far rounds go no further`() throws {
        var judge = TopicJudge()
        for round in [17, 1_000, RoundNumber.limit - 1] {
            let vote = try chain.vote(1, .prevote, round: round, for: block(1))
            #expect(verdict(&judge, .vote(vote)) == .ignore, "round \(round)")
        }
        let near = try chain.vote(1, .prevote, round: 16, for: block(1))
        #expect(verdict(&judge, .vote(near)) == .accept)
        let elsewhere = try chain.vote(1, .prevote, round: 0, for: block(1), set: SetID(7))
        #expect(verdict(&judge, .vote(elsewhere)) == .ignore)
    }

    @Test func `of an equivocator two votes of a slot are passed on, and one piece of evidence`()
        throws
    {
        var judge = TopicJudge()
        let votes = try [block(1), nil, block(2)].map {
            try chain.vote(2, .prevote, round: 1, for: $0)
        }
        #expect(votes.map { verdict(&judge, .vote($0)) } == [.accept, .accept, .ignore])
        let evidence = DoubleVote(votes[0], votes[1])
        #expect(verdict(&judge, .equivocation(evidence)) == .accept)
        #expect(verdict(&judge, .equivocation(DoubleVote(votes[0], votes[2]))) == .ignore)
        let alike = DoubleVote(votes[0], try chain.vote(2, .prevote, round: 2, for: nil))
        var fresh = TopicJudge()
        #expect(verdict(&fresh, .equivocation(alike)) == .reject)
    }

    @Test func `certificates are passed on when they are right and of use`() throws {
        var judge = TopicJudge()
        let certificate = try chain.certificate([0, 1, 2], round: 0, for: block(1))
        #expect(verdict(&judge, .certificate(certificate)) == .accept)
        let wrong = try chain.certificate([0, 1, 2], round: 0, for: block(1), bad: 1)
        #expect(verdict(&judge, .certificate(wrong)) == .reject)
        let few = try chain.certificate([0, 1], round: 0, for: block(1))
        #expect(verdict(&judge, .certificate(few)) == .reject)
        let genesis = try chain.certificate([0, 1, 2], round: 0, for: chain.genesis.ref)
        #expect(verdict(&judge, .certificate(genesis)) == .ignore)
    }

    @Test func `other messages and garbage are rejected, unknown kinds are ignored`() throws {
        var judge = TopicJudge()
        let bundle = try chain.bundle([0, 1], .prevote, round: 0, for: block(1))
        #expect(verdict(&judge, .voteBundle(bundle)) == .reject)
        #expect(verdict(&judge, .voteRequest(blockHash: .zero)) == .reject)
        let vote = GossipMessage.vote(try chain.vote(1, .prevote, round: 0, for: block(1)))
        for bytes in [[], Array(vote.encoded().dropLast()), vote.encoded() + [0]] {
            let verdict = judge.verdict(on: bytes, in: view, using: ToyScheme())
            #expect(verdict == .reject)
        }
        #expect(judge.verdict(on: [200, 1], in: view, using: ToyScheme()) == .ignore)
    }

    @Test func `only what is for everybody is for the topic`() {
        let kinds = GossipMessageKind.allCases.filter(TopicJudge.isForTopic)
        #expect(kinds == [.vote, .certificate, .equivocation])
    }
}
